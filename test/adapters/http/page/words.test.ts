import { describe, expect, it } from "@effect/vitest"
import {
  blocksOf,
  initialsOf,
  isEmoji,
  safeHref,
  voiceOf
} from "../../../../src/adapters/http/page/assets/store/words.js"

const links = (text: string) =>
  blocksOf(text).flatMap((block) =>
    block.kind === "paragraph" ? block.parts.flatMap((part) => (part.kind === "link" ? [part.href] : [])) : []
  )

describe("what a message's text is made of", () => {
  it("links what is a web or mail address, and leaves the text as it was written", () => {
    expect(links("see https://example.com/a?b=c#d, and www.example.org.")).toEqual([
      "https://example.com/a?b=c#d",
      "http://www.example.org/"
    ])
    expect(links("write to ada@example.com")).toEqual(["mailto:ada@example.com"])
    const [block] = blocksOf("see https://example.com, please")
    expect(block?.kind === "paragraph" && block.parts.map(({ text }) => text).join("")).toBe(
      "see https://example.com, please"
    )
  })

  it("links nothing that could run", () => {
    const texts = [
      "javascript:alert(1)",
      "data:text/html,<b>",
      "vbscript:x",
      "//evil.example",
      "ftp://example.com",
      "file:///etc"
    ]
    for (const text of texts) expect(links(text), text).toEqual([])
    expect(safeHref("JaVaScRiPt:alert(1)")).toBeUndefined()
    expect(safeHref("not an address")).toBeUndefined()
  })

  it("takes code between fences, and between back-ticks, as it is", () => {
    expect(blocksOf("before\n```ts\nconst a = `x`\nhttps://example.com\n```\nafter `code` end")).toEqual([
      { kind: "paragraph", parts: [{ kind: "words", text: "before" }] },
      { kind: "fence", language: "ts", text: "const a = `x`\nhttps://example.com" },
      {
        kind: "paragraph",
        parts: [
          { kind: "words", text: "after " },
          { kind: "code", text: "code" },
          { kind: "words", text: " end" }
        ]
      }
    ])
  })

  it("a fence that does not end is words", () => {
    expect(blocksOf("```\nno end")).toEqual([{ kind: "paragraph", parts: [{ kind: "words", text: "```\nno end" }] }])
  })

  it("knows a few emoji alone from a text", () => {
    expect(["🎉", "👍🏽 ❤️", "👩‍🚀", "🇨🇭"].map(isEmoji)).toEqual([true, true, true, true])
    expect(["1", "#", "a 🎉", "", "©opy"].map(isEmoji)).toEqual([false, false, false, false, false])
  })

  it("makes initials and a colour of any name", () => {
    expect(["ada_lovelace", "Ada", "grace.m.hopper", "🦊", "", "..."].map(initialsOf)).toEqual([
      "al",
      "A",
      "gm",
      "🦊",
      "?",
      "."
    ])
    expect(voiceOf("ada")).toBe(voiceOf("ada"))
    expect(voiceOf("<script>")).toMatch(/^hue-[0-7]$/)
  })
})
