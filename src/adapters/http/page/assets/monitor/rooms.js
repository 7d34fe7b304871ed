import { written } from "./format.js"
import { topRooms } from "./readings.js"

/** @import { State } from "./readings.js" */

const cell = (name, className, text) => {
  const made = document.createElement(name)
  if (className !== "") made.className = className
  made.textContent = text
  return made
}

const row = ({ messages, rate, room, sockets }, most) => {
  const made = document.createElement("tr")
  const name = cell("th", "", "")
  name.scope = "row"
  const link = cell("a", "", `#${room}`)
  link.href = `/chat?room=${encodeURIComponent(room)}`
  const bar = cell("span", "share", "")
  bar.ariaHidden = "true"
  bar.style.setProperty("--share", String(most === 0 ? 0 : sockets / most))
  name.append(link, bar)
  made.append(
    name,
    cell("td", "figure", written.count(sockets)),
    cell("td", "figure", rate === undefined ? "–" : written.rate(rate)),
    cell("td", "figure", written.count(messages))
  )
  return made
}

/** The rooms with most sockets; where there is none, what to do about it. */
export const drawRooms = (/** @type {Document} */ page, /** @type {State} */ state) => {
  const rooms = topRooms(state)
  const most = Math.max(0, ...rooms.map(({ sockets }) => sockets))
  const body = page.querySelector("#rooms tbody")
  // Whoever is on a link with the keyboard stays there.
  const focused = page.activeElement?.closest?.("#rooms a")?.getAttribute("href")
  body.replaceChildren(...rooms.map((room) => row(room, most)))
  if (focused !== undefined && focused !== null) {
    Array.from(body.querySelectorAll("a"))
      .find((link) => link.getAttribute("href") === focused)
      ?.focus()
  }
  page.querySelector("#rooms table").hidden = rooms.length === 0
  page.querySelector("#rooms .blank").hidden = rooms.length > 0 || state.points.length === 0
}
