const everyMillis = 2000
const kept = 60

const number = new Intl.NumberFormat("en")
const count = (value) => number.format(value)
const percent = (value) => value.toFixed(1) + " %"
const millis = (value) => value.toFixed(1) + " ms"
const bytes = (value) => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"]
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return value.toFixed(unit === 0 ? 0 : 1) + " " + units[unit]
}

const groups = [
  [
    "Chat",
    [
      ["Sockets", (s) => s.parley.sockets, count],
      ["Rooms in memory", (s) => s.parley.rooms, count],
      ["Messages a second", (s) => s.parley.messages_per_s, (v) => count(Math.round(v))],
      ["Deliveries a second", (s) => s.parley.deliveries_per_s, (v) => count(Math.round(v))],
      ["Commit, 99 %", (s) => s.parley.commit_ms.p99, millis],
      ["Fan-out, 99 %", (s) => s.parley.fan_out_ms.p99, millis],
      ["Messages since the start", (s) => s.parley.messages, count],
      ["Rejected since the start", (s) => s.parley.rejections, count],
      ["Too slow, cut", (s) => s.parley.slow_consumers, count]
    ]
  ],
  [
    "Process",
    [
      ["CPU", (s) => s.pid.cpu, percent],
      ["Memory", (s) => s.pid.ram, bytes],
      ["Connections", (s) => s.pid.conns, count],
      ["Event loop lag, 99 %", (s) => s.parley.event_loop_lag_ms.p99, millis]
    ]
  ],
  [
    "Machine",
    [
      ["CPU", (s) => s.os.cpu, percent],
      ["Memory", (s) => s.os.ram, (v, s) => bytes(v) + " of " + bytes(s.os.total_ram)],
      ["Load", (s) => s.os.load_avg, (v) => v.toFixed(2)],
      ["TCP connections", (s) => s.os.conns, count]
    ]
  ]
]

const svgNames = "http://www.w3.org/2000/svg"
const cards = []
for (const [title, rows] of groups) {
  const heading = document.createElement("h2")
  heading.textContent = title
  const list = document.createElement("dl")
  for (const [name, read, show] of rows) {
    const card = document.createElement("div")
    const term = document.createElement("dt")
    term.textContent = name
    const value = document.createElement("dd")
    value.textContent = "–"
    const chart = document.createElementNS(svgNames, "svg")
    chart.setAttribute("viewBox", "0 0 " + (kept - 1) + " 20")
    chart.setAttribute("preserveAspectRatio", "none")
    chart.setAttribute("aria-hidden", "true")
    const line = chart.appendChild(document.createElementNS(svgNames, "polyline"))
    card.append(term, value, chart)
    list.append(card)
    cards.push({ read, show, value, line, seen: [] })
  }
  document.getElementById("groups").append(heading, list)
}

const state = document.getElementById("state")
const say = (text, bad) => {
  state.textContent = text
  state.classList.toggle("bad", bad)
}

let token
const ask = () =>
  fetch("/dashboard", {
    headers: { Accept: "application/json", ...(token === undefined ? {} : { Authorization: "Bearer " + token }) }
  })

// Whoever is logged in on the chat page of this browser is known by its cookie.
const logIn = async () => {
  const response = await fetch("/api/user/v1/refresh-token", { method: "PUT", headers: { "X-Parley-Page": "1" } })
  if (!response.ok) return false
  token = (await response.json()).token
  return true
}

const draw = (sample) => {
  for (const card of cards) {
    const value = card.read(sample)
    card.value.textContent = card.show(value, sample)
    card.seen.push(value)
    if (card.seen.length > kept) card.seen.shift()
    const top = Math.max(...card.seen, 1e-9)
    const first = kept - card.seen.length
    card.line.setAttribute(
      "points",
      card.seen.map((v, i) => first + i + "," + (19 - (18 * v) / top).toFixed(2)).join(" ")
    )
  }
}

const turn = async () => {
  try {
    let response = await ask()
    if (response.status === 401 && (await logIn())) response = await ask()
    if (response.status === 401)
      return say("Log in on the chat page first: only people with an account may see this.", true)
    if (!response.ok) return say("The server answers " + response.status + ".", true)
    const sample = await response.json()
    draw(sample)
    const problems = sample.parley.problems.map(({ check, problem }) => check + ": " + problem)
    if (problems.length > 0) return say("Not ready. " + problems.join("; "), true)
    say("Ready, up " + count(Math.floor(sample.parley.uptime_s / 60)) + " min", false)
  } catch {
    say("The server does not answer.", true)
  }
}

const loop = async () => {
  if (!document.hidden) await turn()
  setTimeout(() => void loop(), everyMillis)
}
void loop()
