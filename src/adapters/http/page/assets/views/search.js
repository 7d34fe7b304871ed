import { html } from "htm/preact"
import { useEffect, useMemo, useRef, useState } from "preact/hooks"

/** Results shown; the newest first. */
const maxResults = 50
/** Characters around what was found. */
const around = 40

const when = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" })

const Snippet = ({ text, at, length }) => {
  const begin = Math.max(0, at - around)
  return html`
    <span class="snippet" dir="auto">
      ${begin > 0 && "…"}${text.slice(begin, at)}<mark>${text.slice(at, at + length)}</mark>${text.slice(at + length, at + length + around)}
    </span>
  `
}

/** Searches in what is loaded of the open room, its authors and texts. */
export const Search = ({ room, onFound, onClose }) => {
  const field = useRef(null)
  const [query, setQuery] = useState("")
  useEffect(() => field.current.focus(), [])
  const needle = query.trim().toLocaleLowerCase()
  const { messages } = room
  const found = useMemo(() => {
    if (needle === "") return []
    const results = []
    for (let index = messages.length - 1; index >= 0 && results.length < maxResults; index -= 1) {
      const message = messages[index]
      const at = message.text.toLocaleLowerCase().indexOf(needle)
      if (at >= 0 || message.from.toLocaleLowerCase().includes(needle)) results.push({ message, at })
    }
    return results
  }, [needle, messages])
  return html`
    <search class="search" onKeyDown=${(event) => event.key === "Escape" && onClose()}>
      <div class="ask">
        <label class="unseen" for="search">Search in #${room.name}</label>
        <input
          id="search"
          ref=${field}
          type="search"
          value=${query}
          placeholder="Search in what is loaded"
          autocomplete="off"
          onInput=${(event) => setQuery(event.currentTarget.value)}
        />
        <button type="button" class="quiet" onClick=${onClose}>Close</button>
      </div>
      <p class="hint" role="status">
        ${
          needle === ""
            ? `${messages.length} messages are loaded. Scroll up to load more.`
            : found.length === 0
              ? "Nothing found."
              : `${found.length === maxResults ? "The newest " : ""}${found.length} found.`
        }
      </p>
      <ul>
        ${found.map(
          ({ message, at }) => html`
            <li key=${message.seq}>
              <button type="button" onClick=${() => onFound(message.seq)}>
                <span class="hint"><bdi>${message.from}</bdi>, ${when.format(message.at)}</span>
                ${at >= 0 ? html`<${Snippet} text=${message.text} at=${at} length=${needle.length} />` : html`<span class="snippet" dir="auto">${message.text.slice(0, 2 * around)}</span>`}
              </button>
            </li>
          `
        )}
      </ul>
    </search>
  `
}
