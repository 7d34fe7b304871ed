import { html } from "htm/preact"
import { useEffect, useRef, useState } from "preact/hooks"
import { isRoomName, pageOf } from "../connection/address.js"
import { unreadIn } from "../store/room.js"
import { roomIn } from "../store/state.js"
import { Icon } from "./icon.js"
import { Avatar } from "./message.js"

const shown = (count) => (count > 999 ? "999+" : String(count))

const RoomItem = ({ room, isOpen, onEnter, onLeave }) => {
  const unread = isOpen ? 0 : unreadIn(room)
  return html`
    <li>
      <a
        href=${pageOf(room.name)}
        class="room ${unread > 0 ? "unread" : ""}"
        aria-current=${isOpen ? "page" : undefined}
        onClick=${(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return
          event.preventDefault()
          onEnter(room.name)
        }}
      >
        <span class="sign" aria-hidden="true">#</span><bdi class="name">${room.name}</bdi>
        ${room.draft !== "" && !isOpen && html`<span class="badge" title="Not sent yet">draft</span>`}
        ${unread > 0 && html`<span class="badge count">${shown(unread)}<span class="unseen"> unread</span></span>`}
      </a>
      ${
        !isOpen &&
        html`<button
          type="button"
          class="icon leave"
          aria-label=${`Leave #${room.name}`}
          onClick=${() => onLeave(room.name)}
        >
          <${Icon} name="close" />
        </button>`
      }
    </li>
  `
}

/** A room is there as soon as somebody enters it: to create one and to join one are the same. */
const JoinForm = ({ onEnter }) => {
  const [name, setName] = useState("")
  const [wrong, setWrong] = useState(false)
  const submit = (event) => {
    event.preventDefault()
    const next = name.trim().replace(/^#/, "")
    const fits = isRoomName(next)
    setWrong(!fits)
    if (!fits) return
    setName("")
    onEnter(next)
  }
  return html`
    <form class="join" aria-label="Join or create a room" onSubmit=${submit}>
      <label class="unseen" for="room">Room</label>
      <input
        id="room"
        name="room"
        value=${name}
        maxlength="65"
        placeholder="Join or create"
        autocomplete="off"
        autocapitalize="off"
        spellcheck=${false}
        aria-invalid=${wrong ? "true" : undefined}
        aria-describedby=${wrong ? "room-wrong" : undefined}
        onInput=${(event) => {
          setName(event.currentTarget.value)
          setWrong(false)
        }}
      />
      <button type="submit" class="quiet" disabled=${name.trim() === ""}>Join</button>
      ${
        wrong &&
        html`<p id="room-wrong" class="wrong" role="alert">
          <bdi>${name}</bdi> is no room’s name: letters, digits and _ . : - only, at most 64.
        </p>`
      }
    </form>
  `
}

/** The rooms that this reader joined, and who he is. On a telephone it is a drawer. */
export const Rooms = ({ chat, state, open, onOpen, onEnter, onDialog, onLogout }) => {
  const panel = useRef(null)
  useEffect(() => {
    if (open) panel.current.querySelector("a, button")?.focus()
  }, [open])
  return html`
    <div class="veil" hidden=${!open} onClick=${() => onOpen(false)}></div>
    <aside
      class="rooms ${open ? "open" : ""}"
      id="rooms"
      ref=${panel}
      onKeyDown=${(event) => event.key === "Escape" && onOpen(false)}
    >
      <div class="top">
        <a class="brand" href="/"><img src="/assets/icon.svg" alt="" width="28" height="28" />Parley</a>
        <button type="button" class="icon drawer" aria-label="Close the list of rooms" onClick=${() => onOpen(false)}>
          <${Icon} name="close" />
        </button>
      </div>
      <nav aria-label="Rooms">
        <h2>Rooms</h2>
        <ul>
          ${state.order.map(
            (name) =>
              html`<${RoomItem}
                key=${name}
                room=${roomIn(state, name)}
                isOpen=${name === state.room}
                onEnter=${onEnter}
                onLeave=${(left) => chat.leave(left)}
              />`
          )}
        </ul>
      </nav>
      <${JoinForm} onEnter=${onEnter} />
      <div class="me">
        <${Avatar} name=${state.me.name} />
        <p class="who">
          <bdi>${state.me.name}</bdi>
          <span class="hint">${state.me.kind === "guest" ? "guest" : "signed in"}</span>
        </p>
        <button
          type="button"
          class="icon"
          aria-label="Preferences"
          title="Preferences"
          onClick=${() => onDialog("preferences")}
        >
          <${Icon} name="tune" />
        </button>
        ${
          state.me.kind === "guest"
            ? html`<button type="button" class="primary" onClick=${() => onDialog("login")}>Sign in</button>`
            : html`<button type="button" class="quiet" onClick=${onLogout}>Sign out</button>`
        }
      </div>
    </aside>
  `
}
