import { html } from "htm/preact"
import { useState } from "preact/hooks"
import { unreadInAll } from "../store/state.js"
import { Icon } from "./icon.js"

const phases = {
  connecting: ["busy", "Connecting…"],
  live: ["live", "Live"],
  reconnecting: ["busy", "Reconnecting…"]
}

const wordsOf = ({ line, online }) => {
  if (line.phase === "ended") return ["down", line.why === "signed out" ? "Signed out" : "Disconnected"]
  if (!online) return ["down", "Offline"]
  return phases[line.phase]
}

const waiting = (state) =>
  state.order.reduce((sum, name) => sum + state.rooms[name].outbox.filter((one) => one.state === "pending").length, 0)

/** How the line stands, and what of one's own waits for it. */
const Status = ({ chat, state }) => {
  const [kind, words] = wordsOf(state)
  const queued = kind === "live" ? 0 : waiting(state)
  return html`
    <div class="status ${kind}">
      <span class="dot" aria-hidden="true"></span>
      <span role="status">${words}${queued > 0 && html`<span class="queued">, ${queued} to send</span>`}</span>
      ${
        state.line.phase === "reconnecting" &&
        state.online &&
        html`<button type="button" class="link" onClick=${() => chat.hurry()}>Now</button>`
      }
    </div>
  `
}

export const RoomHead = ({ chat, state, room, searching, onSearch, onRooms, roomsOpen }) => {
  const [copied, setCopied] = useState("")
  const elsewhere = unreadInAll(state) - Math.max(0, room.head - Math.max(0, room.read))
  const share = async () => {
    try {
      await navigator.clipboard.writeText(location.href)
      setCopied("Link copied")
    } catch {
      setCopied(location.href)
    }
    setTimeout(() => setCopied(""), 4000)
  }
  return html`
    <header class="bar">
      <button
        type="button"
        class="icon drawer"
        aria-label=${elsewhere > 0 ? `Rooms, ${elsewhere} unread messages` : "Rooms"}
        aria-expanded=${roomsOpen ? "true" : "false"}
        aria-controls="rooms"
        onClick=${onRooms}
      >
        <${Icon} name="menu" />
        ${elsewhere > 0 && html`<span class="mark" aria-hidden="true"></span>`}
      </button>
      <h1><span class="sign" aria-hidden="true">#</span><bdi>${room.name}</bdi></h1>
      <${Status} chat=${chat} state=${state} />
      <span class="copied hint" role="status">${copied}</span>
      <button
        type="button"
        class="icon"
        aria-label="Copy the link to this room"
        title="Copy the link to this room"
        onClick=${share}
      >
        <${Icon} name="link" />
      </button>
      <button
        type="button"
        class="icon"
        aria-label="Search in this room"
        title="Search in this room"
        aria-expanded=${searching ? "true" : "false"}
        onClick=${onSearch}
      >
        <${Icon} name="search" />
      </button>
    </header>
  `
}

/** What to do when the server said that coming back by itself is of no use. */
export const Ended = ({ chat, state, onDialog }) => {
  const { line } = state
  if (line.phase !== "ended") return null
  return html`
    <div class="banner wrong" role="alert">
      <p>${line.words}</p>
      ${line.why !== "closed" && html`<button type="button" class="primary" onClick=${() => onDialog("login")}>Sign in</button>`}
      ${
        line.why === "signed out" &&
        html`<button type="button" class="quiet" onClick=${() => chat.speakAnew()}>Go on as a guest</button>`
      }
      ${line.why === "closed" && html`<button type="button" class="quiet" onClick=${() => chat.hurry()}>Try again</button>`}
    </div>
  `
}

/** Who is offline hears what that means for what he writes. */
export const Offline = ({ state }) =>
  state.online || state.line.phase === "ended"
    ? null
    : html`<div class="banner call">
        <p>You are offline. What you write is kept here and sent, in order, when you are back.</p>
      </div>`
