// @ts-check
import { problems } from "./readings.js"

/** @import { State } from "./readings.js" */

/**
 * How the line stands, in a word for the bar and, where there is something to know or to do, a sentence.
 *
 * @param {State} state
 * @returns {{ word: string, dot: "live" | "busy" | "down" | "", sentence: string, tone: "" | "call" | "wrong" }}
 */
export const statusOf = (state) => {
  const known = state.points.length > 0
  switch (state.phase) {
    case "connecting":
      return { word: "Connecting…", dot: "busy", sentence: "", tone: "" }
    case "live": {
      const found = problems(state)
      return found.length === 0
        ? { word: "Live", dot: "live", sentence: "", tone: "" }
        : { word: "Not ready", dot: "down", sentence: `The server is not ready. ${found.join("; ")}`, tone: "wrong" }
    }
    case "stale":
      return {
        word: "No news",
        dot: "busy",
        sentence: `The server has gone silent.${known ? " These are its last figures." : ""} Trying to reach it again.`,
        tone: "call"
      }
    case "lost":
      return {
        word: "Disconnected",
        dot: "down",
        sentence: `${state.why}${known ? " These are its last figures." : ""} Trying again by itself.`,
        tone: "wrong"
      }
    case "paused":
      return state.pausedBy === "hidden"
        ? { word: "Paused while hidden", dot: "", sentence: "", tone: "" }
        : { word: "Paused", dot: "", sentence: "Paused: nothing is asked of the server until you resume.", tone: "" }
    default:
      return { word: "Token wanted", dot: "", sentence: "", tone: "" }
  }
}
