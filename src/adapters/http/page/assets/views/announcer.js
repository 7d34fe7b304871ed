import { html } from "htm/preact"
import { useEffect, useState } from "preact/hooks"
import { isMine } from "../store/state.js"

/** Lines that are read aloud stay so many in the document; the oldest go. */
const kept = 20
/** More at a time are counted, not read. */
const readAtOnce = 3

/**
 * Says what comes, once: only what others write in the open room while it is open. What history brings, what moves on the screen, and
 * one's own words are not said.
 */
export const Announcer = ({ chat }) => {
  const [lines, setLines] = useState([])
  useEffect(() => {
    let key = 0
    return chat.store.listen((event) => {
      if (event.type === "room opened") setLines([])
      if (event.type !== "in room" || event.event.type !== "received" || event.room !== chat.state.room) return
      const heard = event.event.messages.filter((message) => !isMine(chat.state, message))
      if (heard.length === 0) return
      const said =
        heard.length > readAtOnce ? [`${heard.length} new messages`] : heard.map(({ from, text }) => `${from}: ${text}`)
      const keyed = said.map((text) => ({ text, key: (key += 1) }))
      setLines((before) => [...before, ...keyed].slice(-kept))
    })
  }, [chat])
  return html`
    <div class="unseen" role="log" aria-live="polite" aria-relevant="additions" aria-label="New messages">
      ${lines.map(({ key, text }) => html`<p key=${key}>${text}</p>`)}
    </div>
  `
}
