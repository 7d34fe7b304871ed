import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { isReserved } from "../../src/domain/ReservedNames.ts"

const letter = <const Signs extends ReadonlyArray<string>>(...signs: Signs) => Schema.Literals(signs)

const lookAlikes = [
  "system",
  "System",
  "SYSTEM",
  "5ystem",
  "sy5tem",
  "$ystem",
  "sys7em",
  "syst3m",
  "sуstem", // Cyrillic у
  "ѕуѕтем", // Cyrillic throughout
  "SΥSΤΕΜ", // Greek capitals
  "sys tem",
  "sys\u00a0tem",
  " system ",
  "sys_tem",
  "s.y.s.t.e.m",
  "[system]",
  "system:",
  "sys\u200btem", // zero-width space
  "sys\u200dtem", // zero-width joiner
  "sys\u00adtem", // soft hyphen
  "sys\u2060tem", // word joiner
  "sys\u3164tem", // Hangul filler
  "sys\u2800tem", // blank Braille
  "\u202esystem", // right-to-left override
  "system\ufe0f",
  "ｓｙｓｔｅｍ",
  "𝐬𝐲𝐬𝐭𝐞𝐦",
  "𝓼𝔂𝓼𝓽𝓮𝓶",
  "ⓢⓨⓢⓣⓔⓜ",
  "🅢🅨🅢🅣🅔🅜",
  "🆂🆈🆂🆃🅴🅼",
  "🇸🇾🇸🇹🇪🇲",
  "ˢʸˢᵗᵉᵐ",
  "ꜱʏꜱᴛᴇᴍ",
  "śýştëṁ",
  "s̴y̴s̴t̴e̴m̴",
  "ſyſtem",
  "systern"
]

const free = [
  "testuser",
  "systemic",
  "ecosystem",
  "system2",
  "sysadmin",
  "sister",
  "bob",
  "",
  " ",
  "名前",
  "mets",
  "__proto__"
]

describe("reserved names", () => {
  it.each(lookAlikes)("%s is reserved", (name) => {
    assert.isTrue(isReserved(name))
  })

  it.each(free)("%j is free", (name) => {
    assert.isFalse(isReserved(name))
  })

  it("text with half a surrogate pair is reserved", () => {
    assert.isTrue(isReserved("bob\ud800"))
    assert.isTrue(isReserved("\udc00bob"))
  })

  it.effect.prop("answers for any string, and the same for it in upper case of ASCII", [Schema.String], ([name]) =>
    Effect.sync(() => {
      const answer = isReserved(name)
      assert.isBoolean(answer)
      const louder = name.replaceAll(/[a-z]/g, (letter) => letter.toUpperCase())
      assert.strictEqual(isReserved(louder), answer)
    })
  )

  const separator = Schema.Literals(["", " ", "_", "-", ".", "\u200b", "\u200d", "\u00ad", "\u0301", "\ufe0f", "*"])
  const letters = Schema.Tuple([
    letter("s", "S", "5", "$", "ѕ", "ｓ"),
    letter("y", "Y", "у", "γ"),
    letter("s", "S", "5", "𝐬", "ſ"),
    letter("t", "T", "7", "т", "τ"),
    letter("e", "E", "3", "е", "ε"),
    letter("m", "M", "м", "Μ", "rn")
  ])

  it.effect.prop(
    "any spelling with any separators between the letters is reserved",
    [letters, Schema.Tuple([separator, separator, separator, separator, separator, separator])],
    ([letters, separators]) =>
      Effect.sync(() => {
        const name = letters.map((letter, at) => `${letter}${separators[at] ?? ""}`).join("")
        assert.isTrue(isReserved(name), name)
      })
  )
})
