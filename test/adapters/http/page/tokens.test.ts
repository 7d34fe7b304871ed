import { describe, expect, it } from "@effect/vitest"
import { readFileSync } from "node:fs"

const assets = new URL("../../../../src/adapters/http/page/assets/", import.meta.url)
const read = (name: string) => readFileSync(new URL(name, assets), "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "")

type Colours = Readonly<Record<string, readonly [light: string, dark: string]>>

/** Every block of declarations in tokens.css, in their order, as they are written. */
const blocks = Array.from(read("tokens.css").matchAll(/\{([^{}]*)\}/g), ([, block = ""]) =>
  block.replaceAll(/\s+/g, " ").trim()
)

const coloursIn = (block: string): Colours =>
  Object.fromEntries(
    Array.from(
      block.matchAll(/--([\w-]+): light-dark\((#[\da-f]{6}), (#[\da-f]{6})\)/g),
      ([, name = "", light = "", dark = ""]) => [name, [light, dark]]
    )
  )

const usual = coloursIn(blocks[0] ?? "")
/** High contrast: as the system asks for it, and as the reader does on the page. */
const withMore = blocks.slice(1).filter((block) => block.includes("--ground"))

/** WCAG 2.2: relative luminance, contrast ratio. */
const luminance = (colour: string): number => {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
const ratio = (a: string, b: string): number => {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y)
  return (light + 0.05) / (dark + 0.05)
}

const grounds = ["ground", "surface", "raised", "sunken", "hover"]
const speech = ["mine", "theirs"]
const voices = Array.from({ length: 8 }, (_, voice) => `voice-${voice}`)
const pairs = (inks: ReadonlyArray<string>, on: ReadonlyArray<string>) =>
  on.flatMap((ground) => inks.map((ink) => [ink, ground] as const))

const texts = [
  ...pairs(["text", "muted", "accent", "bad", "good", "busy"], grounds),
  ...pairs(["text", "muted", "accent", "bad"], speech),
  ...pairs(voices, ["ground", "surface", "raised"]),
  ...pairs(["on-voice"], voices),
  ...["accent", "accent-soft", "call", "call-soft", "bad-soft"].flatMap((soft) => pairs([`on-${soft}`], [soft])),
  ...pairs(["on-accent"], ["accent-strong"])
]
const signs = pairs(["control", "chart-1", "chart-2", "chart-3", "good", "busy", "bad"], grounds.slice(0, 3))

const tooWeak = (colours: Colours, inks: typeof texts, least: number) =>
  inks.flatMap(([ink, ground]) =>
    ([0, 1] as const)
      .map((scheme) => ({
        ink,
        ground,
        scheme,
        is: ratio(colours[ink]?.[scheme] ?? "", colours[ground]?.[scheme] ?? "")
      }))
      .filter(({ is }) => !(is >= least))
  )

describe("the design's tokens", () => {
  it("keep text readable on every ground, in light and in dark: 4.5 to 1, in high contrast 7 to 1", () => {
    expect(tooWeak(usual, texts, 4.5)).toEqual([])
    expect(tooWeak({ ...usual, ...coloursIn(withMore[0] ?? "") }, texts, 7)).toEqual([])
  })

  it("keep controls and charts seen: 3 to 1, in high contrast 4.5 to 1", () => {
    expect(tooWeak(usual, signs, 3)).toEqual([])
    expect(tooWeak({ ...usual, ...coloursIn(withMore[0] ?? "") }, signs, 4.5)).toEqual([])
  })

  it("mean the same high contrast, whoever asks for it", () => {
    expect(withMore).toHaveLength(2)
    expect(withMore[1]).toBe(withMore[0])
  })

  it("are where colours are written down, and nowhere else", () => {
    for (const name of ["base.css", "monitor/monitor.css"]) {
      expect(read(name).match(/#[\da-f]{6}\b|(?:rgb|hsl|oklch)\(/gi)).toBeNull()
    }
  })

  it("have every name that the styles ask for", () => {
    const known = new Set(Array.from(blocks.join(" ").matchAll(/--([\w-]+):/g), ([, name]) => name))
    const local = new Set(["share", "voice"])
    for (const name of ["base.css", "monitor/monitor.css"]) {
      const asked = Array.from(read(name).matchAll(/var\(--([\w-]+)/g), ([, asked]) => asked ?? "")
      expect(asked.filter((name) => !known.has(name) && !local.has(name))).toEqual([])
    }
  })
})
