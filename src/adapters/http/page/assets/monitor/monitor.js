import { Cards } from "./cards.js"
import { timeOfDay } from "./format.js"
import { onThemeChange, paletteNow } from "./palette.js"
import { ReadingStream } from "./reading-stream.js"
import { fold, initial } from "./readings.js"
import { drawRooms } from "./rooms.js"
import { statusOf } from "./status.js"
import { drawTables } from "./tables.js"

const byId = (id) => document.getElementById(id)

let state = initial
let pausedByReader = false
/** Held here alone: it is gone with the page. */
let token

const cards = new Cards(document, paletteNow(), (at) => {
  byId("moment").textContent = at === undefined ? "" : `at ${timeOfDay(at)}`
})
onThemeChange(() => cards.recolour(paletteNow()))

const setText = (element, text) => {
  if (element.textContent !== text) element.textContent = text
}

const drawStatus = () => {
  const { dot, sentence, tone, word } = statusOf(state)
  byId("state").className = `status ${dot}`
  setText(byId("word"), word)
  byId("notice").className = `banner ${tone}`
  byId("notice").hidden = sentence === ""
  setText(byId("notice"), sentence)
  const refused = state.phase === "refused"
  byId("entrance").hidden = !refused
  byId("board").hidden = refused
  byId("board").classList.toggle("aged", ["lost", "stale", "paused"].includes(state.phase))
  byId("pause").hidden = refused
  byId("as-table").hidden = refused
  setText(byId("pause"), pausedByReader ? "Resume" : "Pause")
}

const heard = (happened) => {
  const before = state.phase
  state = fold(state, happened)
  drawStatus()
  if (happened.type === "reading") {
    cards.draw(state)
    drawRooms(document, state)
    drawTables(document, state)
  }
  if (state.phase === "refused") {
    token = undefined
    if (state.wrong) refuse("The server does not know this token, or its time is over.")
    if (before !== "refused") byId("token").focus()
  }
}

const renew = async () => {
  const reply = await fetch("/api/user/v1/refresh-token", { method: "PUT", headers: { "X-Parley-Page": "1" } })
  if (!reply.ok) return false
  ;({ token } = await reply.json())
  return true
}

/** Who is logged in on the chat page of this browser is known by its cookie. One page at a time renews it. */
const logIn = async () => {
  try {
    if (localStorage.getItem("parley.login") !== "yes") return false
  } catch {
    return false
  }
  return navigator.locks === undefined ? renew() : navigator.locks.request("parley.renew", renew)
}

const stream = new ReadingStream({
  open: (signal) =>
    fetch("/dashboard/stream", {
      signal,
      cache: "no-store",
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` }
    }),
  authorize: logIn,
  timers: {
    now: () => Date.now(),
    random: () => Math.random(),
    after: (run, ms) => setTimeout(run, ms),
    cancel: (timer) => clearTimeout(timer)
  },
  heard: (happened) => heard(happened.type === "refused" ? { ...happened, wrong: token !== undefined } : happened)
})

/** The line is open while somebody looks. */
const follow = () => {
  if (state.phase === "refused") return
  if (pausedByReader || document.hidden) {
    stream.stop()
    heard({ type: "paused", by: pausedByReader ? "reader" : "hidden" })
  } else if (!stream.running) {
    stream.start()
  }
}

document.addEventListener("visibilitychange", follow)
addEventListener("online", () => stream.hurry())

byId("pause").addEventListener("click", () => {
  pausedByReader = !pausedByReader
  follow()
})

byId("as-table").addEventListener("click", () => {
  const shown = !byId("tables").classList.toggle("unseen")
  byId("charts").hidden = shown
  byId("as-table").ariaPressed = String(shown)
  // What scrolls sideways must be reachable by the keyboard, but only where it can be seen.
  if (shown) byId("course").tabIndex = 0
  else byId("course").removeAttribute("tabindex")
})

byId("entrance").addEventListener("submit", (event) => {
  event.preventDefault()
  const given = byId("token").value.trim()
  byId("token").value = ""
  // A header holds visible ASCII; what else was pasted is no token.
  token = /^[\x21-\x7e]+$/.test(given) ? given : undefined
  if (token === undefined) return refuse("This is no access token: it has letters, digits, dots and hyphens only.")
  refuse("")
  state = fold(state, { type: "connecting" })
  stream.start()
})

const refuse = (why) => {
  setText(byId("token-wrong"), why)
  if (why === "") byId("token").removeAttribute("aria-invalid")
  else byId("token").ariaInvalid = "true"
}

for (const name of ["pause", "as-table"]) byId(name).disabled = false
follow()
