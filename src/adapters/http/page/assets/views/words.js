import { html } from "htm/preact"
import { blocksOf, isEmoji } from "../store/words.js"

/** What texts are made of, once each: a message does not change. */
const known = new WeakMap()
const partsOf = (message) => {
  let blocks = known.get(message)
  if (blocks === undefined) known.set(message, (blocks = blocksOf(message.text)))
  return blocks
}

const Part = ({ kind, text, href }) =>
  kind === "words"
    ? text
    : kind === "code"
      ? html`<code>${text}</code>`
      : html`<a href=${href} target="_blank" rel="noopener noreferrer nofollow">${text}</a>`

/** A message's text, as text: nothing in it becomes markup but links, code, and lines. */
export const Words = ({ message }) => html`
  <div class="words ${isEmoji(message.text) ? "large" : ""}" dir="auto">
    ${partsOf(message).map((block) =>
      block.kind === "fence"
        ? html`<pre
            tabindex="0"
            aria-label=${block.language === "" ? "Code" : `Code in ${block.language}`}
          ><code>${block.text}</code></pre>`
        : html`<p>${block.parts.map(Part)}</p>`
    )}
  </div>
`
