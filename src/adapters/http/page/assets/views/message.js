import { Component } from "preact"
import { html } from "htm/preact"
import { initialsOf, voiceOf } from "../store/words.js"
import { Words } from "./words.js"

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" })
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" })

const Time = ({ at }) => {
  const date = new Date(at)
  return html`<time datetime=${date.toISOString()} title=${exact.format(date)}>${clock.format(date)}</time>`
}

export const Avatar = ({ name }) =>
  html`<span class="avatar ${voiceOf(name)}" aria-hidden="true">${initialsOf(name)}</span>`

const badges = { guest: "guest", service: "service", account: "" }

/** One message of the log. It is drawn again only when something of it changed. */
export class Message extends Component {
  shouldComponentUpdate({ message, mine, continued, found }) {
    const { props } = this
    return message !== props.message || mine !== props.mine || continued !== props.continued || found !== props.found
  }

  render({ message, mine, continued, found }) {
    return html`
      <li
        class="message ${mine ? "mine" : ""} ${continued ? "continued" : ""} ${found ? "found" : ""}"
        data-seq=${message.seq}
      >
        ${!mine && !continued && html`<${Avatar} name=${message.from} />`}
        <div class="speech">
          <p class="head ${continued ? "unseen" : ""}">
            <bdi class="author ${mine ? "" : voiceOf(message.from)}">${message.from}</bdi>
            ${mine && html`<span class="badge accent">you</span>`}
            ${badges[message.kind] !== "" && html`<span class="badge">${badges[message.kind]}</span>`}
            <${Time} at=${message.at} />
          </p>
          <${Words} message=${message} />
          ${continued && html`<span class="when" aria-hidden="true"><${Time} at=${message.at} /></span>`}
        </div>
      </li>
    `
  }
}

/** A message that the log does not show yet: on its way, stored, or refused. */
export const Outgoing = ({ outgoing, chat }) => html`
  <li class="message mine outgoing ${outgoing.state}" data-id=${outgoing.id}>
    <div class="speech">
      <${Words} message=${outgoing} />
      ${
        outgoing.state === "failed"
          ? html`
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
                    chat.draft(outgoing.text)
                    chat.discard(outgoing.id)
                    document.getElementById("message")?.focus()
                  }}
                >
                  Edit
                </button>
                <button type="button" class="link" onClick=${() => chat.discard(outgoing.id)}>Discard</button>
              </p>
            `
          : html`<p class="fate">
              ${outgoing.state === "sent" ? "Sent" : chat.state.line.phase === "live" ? "Sending…" : "Waiting for the line"}
            </p>`
      }
    </div>
  </li>
`
