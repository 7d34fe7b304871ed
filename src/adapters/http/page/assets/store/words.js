// @ts-check
/** What a message's text is made of: code, links, and words. Nothing here makes HTML, and every character of the text is in some part. */
import LinkifyIt from "linkify-it"

/**
 * @typedef {{ kind: "words", text: string } | { kind: "link", text: string, href: string } | { kind: "code", text: string }} Part
 * @typedef {{ kind: "paragraph", parts: Part[] } | { kind: "fence", language: string, text: string }} Block
 */

/** A longer text has no links: looking for them would hold up the page. Characters. */
const maxLinked = 8_192

const linkify = new LinkifyIt({ fuzzyEmail: true, fuzzyIP: false })
linkify.add("ftp:", null).add("//", null)

const schemes = new Set(["http:", "https:", "mailto:"])

/** @param {string} url where a link may lead, or `undefined` */
export const safeHref = (url) => {
  const parsed = URL.parse(url)
  return parsed !== null && schemes.has(parsed.protocol) ? parsed.href : undefined
}

/** @param {string} text @returns {Part[]} */
const linked = (text) => {
  /** @type {Part[]} */
  const parts = []
  let done = 0
  const matches = text.length > maxLinked ? null : linkify.match(text)
  for (const { index, lastIndex, url } of matches ?? []) {
    const href = safeHref(url)
    if (href === undefined) continue
    if (index > done) parts.push({ kind: "words", text: text.slice(done, index) })
    parts.push({ kind: "link", text: text.slice(index, lastIndex), href })
    done = lastIndex
  }
  if (done < text.length) parts.push({ kind: "words", text: text.slice(done) })
  return parts
}

/** @param {string} text @returns {Part[]} */
const inline = (text) =>
  text
    .split(/(`[^`\n]+`)/)
    .flatMap((piece, index) =>
      index % 2 === 1 ? [{ kind: /** @type {const} */ ("code"), text: piece.slice(1, -1) }] : linked(piece)
    )

/**
 * A fence is ``` on a line, with a language's name or without, down to the next ``` on a line of its own. One that does not end is words.
 * @param {string} text
 * @returns {Block[]}
 */
export const blocksOf = (text) => {
  /** @type {Block[]} */
  const blocks = []
  /** @type {string[]} */
  let words = []
  const flush = () => {
    if (words.length > 0) blocks.push({ kind: "paragraph", parts: inline(words.join("\n")) })
    words = []
  }
  const lines = text.split("\n")
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? ""
    const opened = /^```([\w+#.-]{0,20})\s*$/.exec(line)
    const end = opened === null ? -1 : lines.findIndex((other, at) => at > index && /^```\s*$/.test(other))
    if (opened === null || end < 0) {
      words.push(line)
      continue
    }
    flush()
    blocks.push({ kind: "fence", language: opened[1] ?? "", text: lines.slice(index + 1, end).join("\n") })
    index = end
  }
  flush()
  return blocks
}

const emoji = /^(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|\u200d|\ufe0f|\s){1,24}$/u

/** @param {string} text whether it is nothing but a few emoji */
export const isEmoji = (text) => text.trim() !== "" && emoji.test(text)

const letters = new Intl.Segmenter(undefined, { granularity: "grapheme" })

/** @param {string} text its first letter, as readers count letters */
const firstOf = (text) => letters.segment(text).containing(0)?.segment ?? ""

/** @param {string} name two letters at most */
export const initialsOf = (name) => {
  const words = name.split(/[\s._\-:@]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word))
  return (firstOf(words[0] ?? name) || "?") + firstOf(words[1] ?? "")
}

/** @param {string} name one of eight colours, the same for a name everywhere */
export const voiceOf = (name) => {
  let hash = 7
  for (const char of name) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 9973
  return `hue-${hash % 8}`
}
