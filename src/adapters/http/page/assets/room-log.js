import { html } from "htm/preact"
import { useCallback, useEffect, useLayoutEffect, useRef } from "preact/hooks"

/** So near to an end of the log counts as being there. Pixels. */
const nearBottom = 48
const nearTop = 300

/** Messages of one author that follow one another so closely stand under one name. Milliseconds. */
const together = 5 * 60_000

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" })
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" })

const dateOf = (iso) => {
  const date = new Date(iso)
  return Number.isNaN(date.getTime()) ? new Date(0) : date
}

/** One of eight colours, the same for a name everywhere. */
const hueOf = (name) => {
  let hash = 7
  for (const char of name) hash = (hash * 31 + char.codePointAt(0)) % 9973
  return `hue-${hash % 8}`
}

const Time = ({ date }) => html`
  <time datetime=${date.toISOString()} title=${date.toLocaleString()}>${clock.format(date)}</time>
`

const Message = ({ message, mine, continued }) => html`
  <li class="message ${mine ? "mine" : ""} ${continued ? "continued" : ""}" data-seq=${message.seq}>
    <p class="head ${continued ? "unseen" : ""}">
      <bdi class="author ${mine ? "" : hueOf(message.from)}">${message.from}</bdi>
      ${mine && html`<span class="badge you">you</span>`} ${message.guest && html`<span class="badge">guest</span>`}
      <${Time} date=${dateOf(message.date)} />
    </p>
    <p class="body" dir="auto">${message.message}</p>
  </li>
`

const Outgoing = ({ outgoing, chat, onEdit }) => html`
  <li class="message mine ${outgoing.state}">
    <p class="body" dir="auto">${outgoing.message}</p>
    ${
      outgoing.state === "sending"
        ? html`<p class="fate">Sending…</p>`
        : html`
            <p class="fate">
              <span class="wrong">Not sent. ${outgoing.reason}</span>
              ${
                outgoing.retryable &&
                html`<button type="button" class="link" onClick=${() => chat.retry(outgoing.id)}>Try again</button>`
              }
              <button
                type="button"
                class="link"
                onClick=${() => {
                  onEdit(outgoing.message)
                  chat.discard(outgoing.id)
                }}
              >
                Edit
              </button>
              <button type="button" class="link" onClick=${() => chat.discard(outgoing.id)}>Discard</button>
            </p>
          `
    }
  </li>
`

/** Messages with what stands between them: days, gaps, the server's notices. */
const rowsOf = (chat) => {
  const { timeline, account } = chat
  const rows = []
  let before
  let notice = 0
  const notices = (upTo) => {
    for (; notice < timeline.notices.length && timeline.notices[notice].after <= upTo; notice += 1) {
      const { key, text } = timeline.notices[notice]
      rows.push(html`<li class="notice" key=${`n${key}`}>${text}</li>`)
      before = undefined
    }
  }
  let today = ""
  for (const message of timeline.messages) {
    notices(message.seq - 1)
    const date = dateOf(message.date)
    const its = day.format(date)
    if (its !== today) {
      rows.push(html`<li class="day" key=${`d${message.seq}`}><span>${its}</span></li>`)
      today = its
      before = undefined
    }
    if (message.gap === true) {
      rows.push(html`<li class="notice" key=${`g${message.seq}`}>Some messages before this one are missing.</li>`)
      before = undefined
    }
    const continued =
      before !== undefined &&
      before.from === message.from &&
      before.guest === message.guest &&
      date.getTime() - dateOf(before.date).getTime() < together
    const mine = timeline.isMine(message, account)
    rows.push(html`<${Message} key=${message.seq} message=${message} mine=${mine} continued=${continued} />`)
    before = message
  }
  notices(Number.POSITIVE_INFINITY)
  return rows
}

const Beginning = ({ chat, onLogin }) => {
  const { timeline, room } = chat
  if (timeline.first === 0) {
    return chat.connection.state.phase === "live"
      ? html`<p class="beginning">Nothing has been said in #${room} yet. Say hello!</p>`
      : null
  }
  if (!chat.hasOlder) return html`<p class="beginning">This is where #${room} begins.</p>`
  if (chat.account === undefined) {
    return html`
      <p class="beginning">
        There are older messages.
        <button type="button" class="link" onClick=${onLogin}>Log in to read them</button>
      </p>
    `
  }
  return html`
    <p class="beginning">
      ${chat.historyError !== "" && html`<span class="wrong">${chat.historyError}</span>`}
      <button type="button" class="link" disabled=${chat.history === "loading"} onClick=${() => void chat.loadOlder()}>
        ${chat.history === "loading" ? "Loading…" : "Show older messages"}
      </button>
    </p>
  `
}

/**
 * The room's log. Who is at its end stays there; who reads further up is not moved, whatever comes above or below what he reads.
 */
export const RoomLog = ({ chat, onLogin, onEdit }) => {
  const box = useRef(null)
  /** The first message in sight, and where it stands: what must not move. */
  const anchor = useRef(undefined)

  const look = useCallback(() => {
    const element = box.current
    // A scroll that was still to be told when the room was left.
    if (element === null) return
    const bottom = element.scrollHeight - element.clientHeight - element.scrollTop
    anchor.current = undefined
    for (const item of element.querySelectorAll("li[data-seq]")) {
      if (item.offsetTop + item.offsetHeight > element.scrollTop) {
        anchor.current = { seq: item.dataset.seq, top: item.offsetTop - element.scrollTop }
        break
      }
    }
    chat.follow(bottom < nearBottom)
    if (element.scrollTop < nearTop && bottom >= nearBottom && chat.historyError === "") void chat.loadOlder()
  }, [chat])

  const { timeline } = chat
  useLayoutEffect(() => {
    const element = box.current
    if (timeline.following) {
      element.scrollTop = element.scrollHeight
    } else if (anchor.current !== undefined) {
      const item = element.querySelector(`li[data-seq="${anchor.current.seq}"]`)
      if (item !== null) element.scrollTop = item.offsetTop - anchor.current.top
    }
  })
  useEffect(() => {
    const element = box.current
    const observer = new ResizeObserver(() => {
      if (chat.timeline.following) element.scrollTop = element.scrollHeight
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [chat])

  const busy = chat.history === "loading" || chat.connection.state.phase !== "live"
  return html`
    <main class="room-log">
      <div
        ref=${box}
        class="scroll"
        role="log"
        aria-live="polite"
        aria-busy=${busy ? "true" : "false"}
        aria-label=${`Messages in #${chat.room}`}
        tabindex="0"
        onScroll=${look}
      >
        <${Beginning} chat=${chat} onLogin=${onLogin} />
        <ol>
          ${rowsOf(chat)}
          ${[...timeline.outgoing.values()].map(
            (outgoing) => html`<${Outgoing} key=${outgoing.id} outgoing=${outgoing} chat=${chat} onEdit=${onEdit} />`
          )}
        </ol>
      </div>
      ${
        !timeline.following &&
        html`
          <button type="button" class="newest ${chat.unseen > 0 ? "primary" : ""}" onClick=${() => chat.follow(true)}>
            ${
              chat.unseen === 0
                ? "To the newest message"
                : `${chat.unseen} new ${chat.unseen === 1 ? "message" : "messages"}`
            }
            <span aria-hidden="true"> ↓</span>
          </button>
        `
      }
    </main>
  `
}
