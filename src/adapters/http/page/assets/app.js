import { html, render } from "htm/preact"
import { useEffect, useReducer, useState } from "preact/hooks"
import { AccountDialog } from "./account-dialog.js"
import { isRoomName, pageOf, roomOf, socketOrigins } from "./address.js"
import { Api } from "./api.js"
import { Chat } from "./chat.js"
import { Composer } from "./composer.js"
import { Ended, Header } from "./header.js"
import { RoomLog } from "./room-log.js"
import { Session } from "./session.js"

/** @param {string} name */
const shellSays = (name) => document.querySelector(`meta[name="${name}"]`)?.getAttribute("content") ?? ""

/** What the browser keeps: nothing secret. A browser that keeps nothing is a browser that forgets. */
const store = {
  get: (key) => {
    try {
      return localStorage.getItem(key)
    } catch {
      return null
    }
  },
  set: (key, value) => {
    try {
      if (value === null) localStorage.removeItem(key)
      else localStorage.setItem(key, value)
    } catch {
      // Forbidden by the reader's settings.
    }
  }
}

const randomHex = (bytes) =>
  Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("")

let draw = () => {}
let drawn = true
/** However many frames arrive, the page is drawn once a frame of the screen; out of sight, four times a second. */
const changed = () => {
  if (!drawn) return
  drawn = false
  const run = () => {
    drawn = true
    draw()
  }
  if (document.hidden) setTimeout(run, 250)
  else requestAnimationFrame(run)
}

const api = new Api((path, init) => fetch(path, init))

const session = new Session({
  api,
  now: () => Date.now(),
  memory: {
    hasLogin: () => store.get("parley.login") === "yes",
    setLogin: (has) => store.set("parley.login", has ? "yes" : null)
  },
  // Only secure origins have locks; elsewhere two pages may meet, and the server's grace is what is left.
  alone: (run) => (navigator.locks === undefined ? run() : navigator.locks.request("parley.renew", run)),
  changed
})

const chat = new Chat({
  room: roomOf(location.search),
  guestName: store.get("parley.guest") ?? `guest-${randomHex(2)}`,
  origins: socketOrigins(location, {
    apiPort: Number(shellSays("parley-api-port")),
    socketPort: Number(shellSays("parley-socket-port"))
  }),
  api,
  session,
  open: (address, protocols, events) => {
    const socket = new WebSocket(address, protocols)
    socket.addEventListener("open", events.opened)
    socket.addEventListener("message", (event) => events.received(event.data))
    socket.addEventListener("close", (event) => events.closed(event.code))
    return socket
  },
  timers: {
    now: () => Date.now(),
    random: () => Math.random(),
    after: (run, ms) => setTimeout(run, ms),
    cancel: (timer) => clearTimeout(timer)
  },
  makeId: () => randomHex(16),
  changed
})

const App = () => {
  const [, redraw] = useReducer((count) => count + 1, 0)
  const [dialog, setDialog] = useState("")
  const [draft, setDraft] = useState("")
  const [failure, setFailure] = useState("")
  draw = () => redraw()

  const { room, unseen } = chat
  useEffect(() => {
    document.title = `${unseen > 0 ? `(${unseen}) ` : ""}#${room} · Parley`
  }, [room, unseen])

  const enter = (next) => {
    if (!isRoomName(next)) return
    if (next !== chat.room) history.pushState(null, "", pageOf(next))
    chat.enter(next)
  }
  const logout = async () => {
    const trouble = await session.logout()
    setFailure(trouble === undefined ? "" : `You are still logged in. ${trouble}`)
    if (trouble === undefined) chat.speakAnew()
  }

  return html`
    <${Header} chat=${chat} onEnter=${enter} onDialog=${setDialog} onLogout=${logout} />
    ${failure !== "" && html`<div class="banner" role="alert"><p>${failure}</p></div>`}
    <${Ended} chat=${chat} onLogin=${() => setDialog("login")} />
    <${RoomLog} key=${room} chat=${chat} onLogin=${() => setDialog("login")} onEdit=${setDraft} />
    <${Composer}
      chat=${chat}
      draft=${draft}
      onDraft=${setDraft}
      onName=${(name) => {
        chat.nameGuest(name)
        store.set("parley.guest", name)
      }}
    />
    <${AccountDialog}
      session=${session}
      open=${dialog}
      onOpen=${setDialog}
      onDone=${() => {
        setDialog("")
        setFailure("")
        chat.speakAnew()
      }}
    />
  `
}

addEventListener("online", () => chat.connection.hurry())
addEventListener("popstate", () => chat.enter(roomOf(location.search)))
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && chat.connection.state.phase === "waiting") chat.connection.hurry()
})

const root = document.getElementById("app")
root.replaceChildren()
render(html`<${App} />`, root)
void chat.start()
