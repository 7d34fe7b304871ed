import { html } from "htm/preact"
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"
import { Icon } from "./icon.js"

const faces = "😀 😄 😅 😂 🙂 😉 😍 🤔 😎 😢 😡 😱 👍 👎 👏 🙏 💪 👋 🤝 ✌️ ❤️ 💔 🔥 ✨ 🎉 🚀 ✅ ❌ ⚠️ 💡 ☕ 🐛".split(
  " "
)

/** A small table of emoji, for who has no keyboard with them. Arrows move in it. */
const EmojiPicker = ({ onPick, onClose }) => {
  const table = useRef(null)
  useEffect(() => table.current.querySelector("button").focus(), [])
  const move = (event) => {
    if (event.key === "Escape") return onClose()
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 }[event.key]
    if (by === undefined) return undefined
    event.preventDefault()
    const buttons = [...table.current.querySelectorAll("button")]
    buttons[buttons.indexOf(document.activeElement) + by]?.focus()
    return undefined
  }
  return html`
    <div class="emoji" role="group" aria-label="Emoji" ref=${table} onKeyDown=${move}>
      ${faces.map(
        (face, index) =>
          html`<button type="button" key=${face} tabindex=${index === 0 ? 0 : -1} onClick=${() => onPick(face)}>
            ${face}
          </button>`
      )}
    </div>
  `
}

/** Where a message is written. Enter sends it, Shift+Enter breaks the line; a key that ends an input method's word does neither. */
export const Composer = ({ chat, state, room, onDialog }) => {
  const field = useRef(null)
  const [picking, setPicking] = useState(false)
  const { draft } = room
  useEffect(() => {
    // Where the keyboard covers half of the screen nobody wants it unasked.
    if (matchMedia("(hover: hover)").matches) field.current?.focus({ preventScroll: true })
  }, [room.name])
  // As high as what is written, where the browser does not do it by itself (field-sizing).
  useLayoutEffect(() => {
    const element = field.current
    if (element === null || CSS.supports("field-sizing", "content")) return
    element.rows = Math.min(8, draft.split("\n").length)
  }, [draft])
  const isOut = state.line.phase === "ended" && state.line.why !== "closed"
  if (room.refused !== "") return null
  const shut = isOut || draft.trim() === ""
  const send = (event) => {
    event.preventDefault()
    // What is in the field now: it may be newer than what was drawn.
    const text = field.current.value
    if (isOut || text.trim() === "") return
    chat.post(text)
    // At once: the next key may come before the page is drawn anew.
    field.current.value = ""
    field.current.focus()
  }
  const pick = (face) => {
    const { selectionStart: start, selectionEnd: end } = field.current
    const { value } = field.current
    chat.draft(value.slice(0, start) + face + value.slice(end))
    setPicking(false)
    const at = start + face.length
    requestAnimationFrame(() => {
      field.current.focus()
      field.current.setSelectionRange(at, at)
    })
  }
  return html`
    <form class="composer" onSubmit=${send} aria-label="New message">
      ${
        state.me.kind === "guest" &&
        !isOut &&
        html`
          <p class="guest hint">
            You speak as <bdi>${state.me.name}</bdi>, a guest.
            <button type="button" class="link" onClick=${() => onDialog("guest")}>Change name</button>
          </p>
        `
      }
      ${
        picking &&
        html`<${EmojiPicker}
          onPick=${pick}
          onClose=${() => {
            setPicking(false)
            field.current.focus()
          }}
        />`
      }
      <div class="write">
        <label class="unseen" for="message">Message to #${room.name}</label>
        <textarea
          id="message"
          ref=${field}
          rows="1"
          dir="auto"
          placeholder=${isOut ? "Sign in to write" : `Message #${room.name}`}
          disabled=${isOut}
          aria-describedby="keys"
          enterkeyhint="send"
          value=${draft}
          onInput=${(event) => chat.draft(event.currentTarget.value)}
          onKeyDown=${(event) => {
            if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event)
          }}
        ></textarea>
        <button
          type="button"
          class="icon"
          aria-label="Emoji"
          aria-expanded=${picking ? "true" : "false"}
          disabled=${isOut}
          onClick=${() => setPicking(!picking)}
        >
          <${Icon} name="smile" />
        </button>
        <button type="submit" class="primary" disabled=${shut}>Send</button>
      </div>
      <p id="keys" class="hint keys">
        <kbd>Enter</kbd> sends, <kbd>Shift</kbd>+<kbd>Enter</kbd> breaks the line, <code>\`\`\`</code> begins and ends
        code.
      </p>
    </form>
  `
}
