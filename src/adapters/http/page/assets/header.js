import { html } from "htm/preact"
import { useEffect, useState } from "preact/hooks"
import { isRoomName } from "./address.js"

/** Why a socket was closed for good, by its close code. */
const reasons = {
  4501: "This chat is for members: log in to read and to write.",
  4503: "The server did not understand this page. Reloading it may help.",
  4504: "You have too many chats open. Close one of them and try again.",
  4505: "You may not enter this room."
}

/** Redraws each second while there is something to count down. */
const useSeconds = (until) => {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    if (until === undefined) return undefined
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(timer)
  }, [until])
  return until === undefined ? 0 : Math.max(0, Math.ceil((until - now) / 1000))
}

/** The line's state. The countdown is for the eye alone: read aloud, it would never stop. */
const Status = ({ chat }) => {
  const { state } = chat.connection
  const seconds = useSeconds(state.phase === "waiting" ? state.until : undefined)
  const [kind, words] = {
    connecting: ["busy", "Connecting…"],
    live: ["live", "Live"],
    waiting: navigator.onLine ? ["busy", "Reconnecting"] : ["down", "Offline, trying again"],
    ended: ["down", chat.loggedOut ? "Logged out" : "Disconnected"],
    stopped: ["busy", "Connecting…"]
  }[state.phase]
  return html`
    <div class="status ${kind}">
      <span class="dot" aria-hidden="true"></span>
      <span role="status">${words}</span>
      ${state.phase === "waiting" && html`<span class="seconds" aria-hidden="true">in ${seconds} s</span>`}
      ${
        state.phase === "waiting" &&
        html`<button type="button" class="quiet" onClick=${() => chat.connection.hurry()}>Now</button>`
      }
    </div>
  `
}

const RoomForm = ({ room, onEnter }) => {
  const [name, setName] = useState(room)
  const [wrong, setWrong] = useState(false)
  useEffect(() => {
    setName(room)
    setWrong(false)
  }, [room])
  const submit = (event) => {
    event.preventDefault()
    const next = name.trim().replace(/^#/, "")
    setWrong(!isRoomName(next))
    onEnter(next)
  }
  return html`
    <form class="room" aria-label="Room" onSubmit=${submit}>
      <label for="room"><span aria-hidden="true">#</span><span class="unseen">Room</span></label>
      <input
        id="room"
        name="room"
        value=${name}
        maxlength="65"
        autocomplete="off"
        autocapitalize="off"
        spellcheck=${false}
        aria-invalid=${wrong ? "true" : undefined}
        aria-describedby=${wrong ? "room-wrong" : undefined}
        onInput=${(event) => setName(event.currentTarget.value)}
      />
      ${name.trim() !== "" && name !== room && html`<button type="submit" class="quiet">Go</button>`}
      ${wrong && html`<p id="room-wrong" class="wrong" role="alert">Letters, digits and _ . : - only, at most 64.</p>`}
    </form>
  `
}

export const Header = ({ chat, onEnter, onDialog, onLogout }) => html`
  <header class="bar">
    <h1 class="brand"><img src="/assets/icon.svg" alt="" width="24" height="24" /> Parley</h1>
    <${RoomForm} room=${chat.room} onEnter=${onEnter} />
    <${Status} chat=${chat} />
    <div class="account">
      ${
        chat.account === undefined
          ? html`
              <button type="button" class="quiet" onClick=${() => onDialog("login")}>Log in</button>
              <button type="button" class="primary" onClick=${() => onDialog("register")}>Register</button>
            `
          : html`
              <span class="who" title=${chat.account}>${chat.account}</span>
              <button type="button" class="quiet" onClick=${onLogout}>Log out</button>
            `
      }
    </div>
  </header>
`

/** What to do when the server said that coming back by itself is of no use. */
export const Ended = ({ chat, onLogin }) => {
  const { state } = chat.connection
  if (state.phase !== "ended") return null
  return html`
    <div class="banner" role="alert">
      <p>
        ${
          chat.loggedOut
            ? "Your login has ended. Log in again to go on under your name."
            : (reasons[state.code] ?? `The server closed this connection for good (${state.code}).`)
        }
      </p>
      ${
        chat.loggedOut
          ? html`
              <button type="button" class="primary" onClick=${onLogin}>Log in</button>
              <button type="button" class="quiet" onClick=${() => chat.speakAnew()}>Go on as a guest</button>
            `
          : html`
              ${
                chat.account === undefined &&
                html`<button type="button" class="primary" onClick=${onLogin}>Log in</button>`
              }
              <button type="button" class="quiet" onClick=${() => chat.connection.hurry()}>Try again</button>
            `
      }
    </div>
  `
}
