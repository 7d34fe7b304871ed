// Its build for browsers sets `Centrifuge`.
// oxlint-disable-next-line import/no-unassigned-import
import "centrifuge"
import { html, render } from "htm/preact"
import { useEffect, useReducer, useState } from "preact/hooks"
import { Chat } from "./chat.js"
import { isRoomName, pageOf, roomOf, socketOrigins } from "./connection/address.js"
import { Api } from "./connection/api.js"
import { remember, rememberGuest, remembered, shared } from "./connection/browser-memory.js"
import { Session } from "./connection/session.js"
import { isMine, roomIn, unreadInAll } from "./store/state.js"
import { Announcer } from "./views/announcer.js"
import { Composer } from "./views/composer.js"
import { Dialogs } from "./views/dialogs.js"
import { Ended, Offline, RoomHead } from "./views/room-head.js"
import { RoomLog } from "./views/room-log.js"
import { Rooms } from "./views/rooms.js"
import { Search } from "./views/search.js"

/** @param {string} name */
const shellSays = (name) => document.querySelector(`meta[name="${name}"]`)?.getAttribute("content") ?? ""

const randomHex = (bytes) =>
  Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("")

let draw = () => {}
let drawn = true
/** However much happens, the page is drawn once a frame of the screen; out of sight, four times a second. */
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

/** The other pages of this browser. */
const neighbours = "BroadcastChannel" in globalThis ? new BroadcastChannel("parley.login") : undefined

const session = new Session({
  api: new Api((path, init) => fetch(path, init)),
  now: () => Date.now(),
  memory: {
    hasLogin: () => shared.get("parley.login") === "yes",
    setLogin: (has) => shared.set("parley.login", has ? "yes" : null)
  },
  // Only secure origins have locks; elsewhere two pages may meet, and the server's grace is what is left.
  alone: (run) => (navigator.locks === undefined ? run() : navigator.locks.request("parley.renew", run)),
  changed,
  // A channel is of one origin.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  tell: (news) => neighbours?.postMessage(news)
})

const address = roomOf(location)
const origins = socketOrigins(location, {
  apiPort: Number(shellSays("parley-api-port")),
  socketPort: Number(shellSays("parley-socket-port"))
})

const chat = new Chat({
  room: address.room,
  remembered: remembered({ isRoomName, guestName: `guest-${randomHex(2)}` }),
  session,
  Centrifuge: globalThis.Centrifuge,
  addresses: origins.map((origin) => `${origin}/connection/websocket`),
  makeId: () => randomHex(16),
  now: () => Date.now(),
  inSight: () => !document.hidden,
  soon: (run) => setTimeout(run, 0),
  pause: (ms) => new Promise((done) => setTimeout(done, ms))
})
// A message that is sent again after a reload is the same one under the same name alone.
rememberGuest(chat.guestName)
chat.store.dispatch({ type: "network changed", online: navigator.onLine })
chat.store.listen((_, before) => {
  if (chat.state !== before) changed()
  remember(chat.state, before)
})

neighbours?.addEventListener("message", ({ data }) => {
  const before = session.account
  session.hear(data)
  // Whoever signed out knows that he did, also where the server's word of it was here first.
  const hasLeft = Object(data).kind === "left" && chat.state.line.phase === "ended"
  if (session.account !== before || hasLeft) chat.speakAnew()
})

const quiet = { notify: false, badge: false }
let preferences = { ...quiet, ...shared.get("parley.preferences") }

/** Tells who asked for it what came while he looks elsewhere. */
chat.store.listen((event) => {
  if (event.type !== "in room" || event.event.type !== "received") return
  if (!preferences.notify || !document.hidden || Notification.permission !== "granted") return
  const message = event.event.messages.findLast((one) => !isMine(chat.state, one))
  if (message === undefined) return
  const { room } = event
  const notification = new Notification(`${message.from} in #${room}`, {
    body: message.text.slice(0, 200),
    icon: "/assets/icon.svg",
    tag: `parley.${room}`
  })
  notification.addEventListener("click", () => {
    focus()
    notification.close()
    enter(room)
  })
})

let onEnter = () => {}
const enter = (next) => {
  if (!isRoomName(next)) return
  if (next !== chat.state.room) history.pushState(null, "", pageOf(next))
  chat.enter(next)
  onEnter()
}

const focusLog = () => document.querySelector(".room-log .scroll")?.focus({ preventScroll: true })

const App = () => {
  const [, redraw] = useReducer((count) => count + 1, 0)
  const [dialog, setDialog] = useState("")
  const [failure, setFailure] = useState(
    address.wrong === undefined ? "" : `“${address.wrong}” is no room’s name. You are in #${address.room}.`
  )
  const [searching, setSearching] = useState(false)
  const [found, setFound] = useState(undefined)
  const [roomsOpen, setRoomsOpen] = useState(false)
  draw = () => redraw()
  onEnter = () => {
    setSearching(false)
    setFound(undefined)
    setRoomsOpen(false)
    setFailure("")
  }

  const { state } = chat
  const room = roomIn(state, state.room)
  const unread = preferences.badge ? unreadInAll(state) : 0
  useEffect(() => {
    document.title = `${unread > 0 ? `(${unread}) ` : ""}#${room.name} · Parley`
  }, [room.name, unread])

  const logout = async () => {
    const trouble = await session.logout()
    setFailure(trouble === undefined ? "" : `You are still signed in. ${trouble}`)
    if (trouble === undefined) chat.speakAnew()
  }
  const done = () => {
    setDialog("")
    setFailure("")
    chat.speakAnew()
  }
  return html`
    <${Rooms}
      chat=${chat}
      state=${state}
      open=${roomsOpen}
      onOpen=${setRoomsOpen}
      onEnter=${enter}
      onDialog=${setDialog}
      onLogout=${logout}
    />
    <main class="talk">
      <${RoomHead}
        chat=${chat}
        state=${state}
        room=${room}
        searching=${searching}
        onSearch=${() => setSearching(!searching)}
        roomsOpen=${roomsOpen}
        onRooms=${() => setRoomsOpen(!roomsOpen)}
      />
      ${
        failure !== "" &&
        html`<div class="banner wrong" role="alert">
          <p><bdi>${failure}</bdi></p>
          <button type="button" class="link" onClick=${() => setFailure("")}>Close</button>
        </div>`
      }
      <${Ended} chat=${chat} state=${state} onDialog=${setDialog} />
      <${Offline} state=${state} />
      ${
        searching &&
        html`<${Search}
          key=${room.name}
          room=${room}
          onFound=${(seq) => {
            setFound(undefined)
            setFound(seq)
            focusLog()
          }}
          onClose=${() => {
            setSearching(false)
            setFound(undefined)
            focusLog()
          }}
        />`
      }
      <${RoomLog} key=${room.name} chat=${chat} state=${state} room=${room} found=${found} onFound=${setFound} />
      <${Composer} chat=${chat} state=${state} room=${room} onDialog=${setDialog} />
    </main>
    <${Announcer} chat=${chat} />
    <${Dialogs}
      session=${session}
      chat=${chat}
      open=${dialog}
      onOpen=${setDialog}
      onDone=${done}
      onGuest=${(name) => {
        chat.nameGuest(name)
        rememberGuest(chat.guestName)
        if (session.account === undefined && state.line.phase === "ended") chat.speakAnew()
        setDialog("")
      }}
      preferences=${preferences}
      onPreferences=${(change) => {
        preferences = { ...preferences, ...change }
        shared.set("parley.preferences", preferences)
        redraw()
      }}
    />
  `
}

const network = () => chat.store.dispatch({ type: "network changed", online: navigator.onLine })
addEventListener("online", network)
addEventListener("offline", network)
addEventListener("popstate", () => {
  chat.enter(roomOf(location).room)
  onEnter()
})
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return
  if (chat.state.line.phase === "reconnecting") chat.hurry()
  chat.looked()
})

const root = document.getElementById("app")
root.replaceChildren()
render(html`<${App} />`, root)
void chat.start()
