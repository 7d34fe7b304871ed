import { html } from "htm/preact"
import { useEffect, useRef } from "preact/hooks"

/** Where a message is written. Enter sends it, Shift+Enter breaks the line; a key that ends an input method's word does neither. */
export const Composer = ({ chat, draft, onDraft, onName }) => {
  const field = useRef(null)
  useEffect(() => {
    // Where the keyboard covers half of the screen nobody wants it unasked.
    if (matchMedia("(hover: hover)").matches) field.current.focus({ preventScroll: true })
  }, [])
  // A login that ended is asked for first: nobody goes on as a guest without having chosen it.
  const guest = chat.account === undefined && !chat.loggedOut
  const shut = chat.loggedOut || draft.trim() === ""
  const send = (event) => {
    event.preventDefault()
    if (shut) return
    chat.post(draft)
    onDraft("")
    field.current.focus()
  }
  return html`
    <form class="composer" onSubmit=${send} aria-label="New message">
      ${
        guest &&
        html`
          <p class="guest">
            <label for="guest">You speak as guest</label>
            <input
              id="guest"
              value=${chat.guestName}
              maxlength="40"
              autocomplete="nickname"
              spellcheck=${false}
              onInput=${(event) => onName(event.currentTarget.value)}
            />
            <span class="hint">Register to keep a name.</span>
          </p>
        `
      }
      <div class="write">
        <label class="unseen" for="message">Message to #${chat.room}</label>
        <textarea
          id="message"
          ref=${field}
          rows="1"
          dir="auto"
          placeholder=${`Message #${chat.room}`}
          aria-describedby="keys"
          enterkeyhint="send"
          value=${draft}
          onInput=${(event) => onDraft(event.currentTarget.value)}
          onKeyDown=${(event) => {
            if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event)
          }}
        ></textarea>
        <button type="submit" class="primary" disabled=${shut}>Send</button>
      </div>
      <p id="keys" class="hint keys">Enter sends, Shift+Enter breaks the line.</p>
    </form>
  `
}
