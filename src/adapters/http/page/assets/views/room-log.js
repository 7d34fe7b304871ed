import { html } from "htm/preact"
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"
import { firstOf, indexOf, unreadIn } from "../store/room.js"
import { isMine } from "../store/state.js"
import { Icon } from "./icon.js"
import { Message, Outgoing } from "./message.js"

/** Messages that stand in the document at a time; a step is so many more above or below. */
export const windowSize = 200
const step = 50
/** So near to the end of the log counts as being there; so near to the window's edge, and it moves. Pixels. */
const nearEnd = 48
const nearEdge = 700

/** Messages of one author that follow one another so closely stand under one name. Milliseconds. */
const together = 5 * 60_000

const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" })
/** Days are told apart by a number: naming each message's day would cost more than drawing it. */
const dayOf = (at) => {
  const date = new Date(at)
  return date.getFullYear() * 10_000 + date.getMonth() * 100 + date.getDate()
}

const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`

const Notice = ({ notice, missed }) => html`
  <li class="notice ${notice.kind}">
    <span>
      ${
        notice.kind === "replaced"
          ? "The room’s history was replaced on the server. What follows is its newest part."
          : missed === 0
            ? "You were away for a moment. Nothing was missed."
            : `You were away. ${plural(missed, "message", "messages")} that you missed ${missed === 1 ? "is" : "are"} filled in below.`
      }
    </span>
  </li>
`

/** Messages with what stands between them: days, holes, the page's own notices, where the new ones begin. */
const rowsOf = (state, room, begin, end, found) => {
  const rows = []
  const { messages, notices, divider } = room
  let previous = messages[begin - 1]
  const above = previous?.seq ?? 0
  let noted = notices.findIndex(({ after }) => after >= above)
  if (noted < 0) noted = notices.length
  const notice = (upTo) => {
    for (; noted < notices.length && notices[noted].after <= upTo; noted += 1) {
      const { after, upTo: last, key } = notices[noted]
      const missed = messages
        .slice(indexOf(messages, after + 1), indexOf(messages, last + 1))
        .filter((message) => !isMine(state, message)).length
      rows.push(html`<${Notice} key=${`n${key}`} notice=${notices[noted]} missed=${missed} />`)
      previous = undefined
    }
  }
  for (let index = begin; index < end; index += 1) {
    const message = messages[index]
    const before = messages[index - 1]
    notice(message.seq - 1)
    if (before === undefined || dayOf(before.at) !== dayOf(message.at)) {
      rows.push(html`<li class="day" key=${`d${message.seq}`}><span>${day.format(message.at)}</span></li>`)
      previous = undefined
    }
    if (before !== undefined && before.seq !== message.seq - 1) {
      rows.push(html`<li class="notice" key=${`h${message.seq}`}><span>Some messages are missing here.</span></li>`)
      previous = undefined
    }
    if (divider !== undefined && message.seq > divider && (before === undefined || before.seq <= divider)) {
      rows.push(html`<li class="divider" key="divider"><span>New messages</span></li>`)
      previous = undefined
    }
    const continued =
      previous !== undefined &&
      previous.from === message.from &&
      previous.kind === message.kind &&
      message.at - previous.at < together
    rows.push(
      html`<${Message}
        key=${message.key ?? message.seq}
        message=${message}
        mine=${isMine(state, message)}
        continued=${continued}
        found=${found === message.seq}
      />`
    )
    previous = message
  }
  if (end === messages.length) notice(Infinity)
  return rows
}

const bones = [0, 1, 2, 3, 4, 5]

/** What stands above the first message. */
const Beginning = ({ room, chat, state }) => {
  if (room.refused !== "") {
    // There is no field: the link that skips to it leads here.
    return html`<div class="blank wrong" id="message" tabindex="-1">
      <h2>No entry</h2>
      <p>${room.refused}</p>
    </div>`
  }
  if (room.messages.length === 0 && room.outbox.length === 0) {
    if (room.page === "failed") {
      return html`
        <div class="blank wrong">
          <h2>The messages could not be had</h2>
          <p>The server did not answer in time.</p>
          <div class="actions">
            <button type="button" class="quiet" onClick=${() => chat.reload()}>Try again</button>
          </div>
        </div>
      `
    }
    if (room.page === "ready") {
      return html`
        <div class="blank">
          <h2>Nothing has been said in <bdi>#${room.name}</bdi> yet</h2>
          <p>Say hello, or send somebody the link to this room.</p>
        </div>
      `
    }
    if (state.line.phase === "ended") return null
    if (!state.online) {
      return html`
        <div class="blank">
          <h2>You are offline</h2>
          <p>The messages come as soon as there is a network. What you write now is sent then.</p>
        </div>
      `
    }
    return html`
      <div class="bones" role="status">
        <span class="unseen">Loading messages</span>
        ${bones.map((key) => html`<div key=${key} class="bone" aria-hidden="true"></div>`)}
      </div>
    `
  }
  if (room.page !== "ready" || firstOf(room) <= 0) return null
  if (firstOf(room) === 1) return html`<p class="beginning">This is where <bdi>#${room.name}</bdi> begins.</p>`
  return html`
    <p class="beginning">
      ${room.older === "failed" && html`<span class="wrong">Older messages could not be had. </span>`}
      <button type="button" class="link" disabled=${room.older === "loading"} onClick=${() => void chat.older()}>
        ${room.older === "loading" ? "Loading…" : "Show older messages"}
      </button>
    </p>
  `
}

/** The first message in sight, and where it stands: what must not move. */
const anchorIn = (box) => {
  const items = box.querySelectorAll("li[data-seq]")
  const { top } = box.getBoundingClientRect()
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (items[middle].getBoundingClientRect().bottom <= top) low = middle + 1
    else high = middle
  }
  const item = items[low]
  return item === undefined ? undefined : { seq: item.dataset.seq, top: item.getBoundingClientRect().top }
}

/**
 * The room's log, a window of it at a time. Who is at its end stays there; who reads further up is not moved, whatever comes above or
 * below what he reads.
 */
export const RoomLog = ({ chat, state, room, found, onFound }) => {
  const box = useRef(null)
  const anchor = useRef(undefined)
  /** The last position of the window; without one, the newest. */
  const [until, setUntil] = useState(undefined)
  const { messages } = room
  const end = until === undefined ? messages.length : Math.min(messages.length, indexOf(messages, until + 1))
  const begin = Math.max(0, end - windowSize)
  const isNewest = end === messages.length
  const sticks = room.atEnd && until === undefined
  // Before the document changes: where what is read stands now.
  if (!sticks && box.current !== null && anchor.current?.kept !== true) anchor.current = anchorIn(box.current)

  const look = useCallback(() => {
    const element = box.current
    // A scroll that was still to be told when the room was left.
    if (element === null) return
    const below = element.scrollHeight - element.clientHeight - element.scrollTop
    const atEnd = isNewest && below < nearEnd
    if (atEnd && until !== undefined) setUntil(undefined)
    else if (!atEnd && until === undefined) setUntil(messages.at(-1)?.seq)
    else if (!isNewest && below < nearEdge) setUntil(messages[Math.min(messages.length, end + step) - 1].seq)
    if (!atEnd && element.scrollTop < nearEdge) {
      if (begin > 0) setUntil(messages[Math.max(Math.min(windowSize, messages.length), end - step) - 1].seq)
      else if (room.older === "idle") void chat.older()
    }
    chat.moved(atEnd)
  }, [chat, room, until, begin, end])

  useLayoutEffect(() => {
    const element = box.current
    if (sticks) {
      element.scrollTop = element.scrollHeight
    } else if (anchor.current !== undefined) {
      const item = element.querySelector(`li[data-seq="${anchor.current.seq}"]`)
      if (item !== null) element.scrollTop += item.getBoundingClientRect().top - anchor.current.top
    }
    anchor.current = undefined
  })
  useEffect(() => {
    const element = box.current
    const observer = new ResizeObserver(() => {
      if (chat.state.rooms[room.name]?.atEnd) element.scrollTop = element.scrollHeight
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [chat, room.name])
  // At the very top nothing scrolls any more, and nothing would tell that there is more above.
  const first = messages[0]?.seq
  useEffect(() => {
    if (!sticks) look()
  }, [first, begin])
  // Its own words are where he looks.
  const written = room.outbox.length
  useEffect(() => {
    if (room.atEnd) setUntil(undefined)
  }, [written, room.atEnd])
  // What was searched for comes into the middle.
  useEffect(() => {
    if (found === undefined) return
    const index = indexOf(messages, found)
    chat.moved(false)
    setUntil(messages[Math.min(messages.length, index + windowSize / 2) - 1]?.seq)
    anchor.current = { kept: true }
    requestAnimationFrame(() => {
      anchor.current = undefined
      box.current?.querySelector(`li[data-seq="${found}"]`)?.scrollIntoView({ block: "center" })
    })
  }, [found])

  const unread = unreadIn(room)
  const toEnd = () => {
    onFound(undefined)
    setUntil(undefined)
    chat.moved(true)
    requestAnimationFrame(() => box.current?.focus({ preventScroll: true }))
  }
  return html`
    <div class="room-log">
      <div
        ref=${box}
        class="scroll"
        role="region"
        aria-label=${`Messages in #${room.name}`}
        aria-busy=${room.page === "loading" || room.older === "loading" ? "true" : "false"}
        tabindex="0"
        onScroll=${look}
      >
        ${begin === 0 && html`<${Beginning} room=${room} chat=${chat} state=${state} />`}
        <ol>
          ${rowsOf(state, room, begin, end, found)}
          ${isNewest && room.outbox.map((outgoing) => html`<${Outgoing} key=${outgoing.id} outgoing=${outgoing} chat=${chat} />`)}
        </ol>
      </div>
      ${
        (!room.atEnd || !isNewest) &&
        messages.length > 0 &&
        html`
          <button type="button" class="newest ${unread > 0 ? "call" : "quiet"}" onClick=${toEnd}>
            ${unread === 0 ? "To the newest message" : plural(unread, "new message", "new messages")}
            <${Icon} name="down" />
          </button>
        `
      }
    </div>
  `
}
