import { expect, it } from "@effect/vitest"
import { matchesPattern } from "../../../src/adapters/serverapi/ChannelPattern.ts"

it("a pattern fits a whole name: * is any text, ? any sign", () => {
  const fits = [
    ["*", ""],
    ["*", "lobby"],
    ["lobby", "lobby"],
    ["$*", "$staff"],
    ["l*y", "lobby"],
    ["l?bb?", "lobby"],
    ["*b*b*", "lobby"],
    ["game:*:chat", "game:7:1:chat"],
    ["**", "a"]
  ] as const
  for (const [pattern, name] of fits) expect(matchesPattern(pattern, name), `${pattern} ${name}`).toBe(true)
  const differs = [
    ["", "lobby"],
    ["lobby", "lobby2"],
    ["lobby2", "lobby"],
    ["l?y", "lobby"],
    ["*x*", "lobby"],
    ["l.bby", "lobby"],
    ["[l]obby", "lobby"]
  ] as const
  for (const [pattern, name] of differs) expect(matchesPattern(pattern, name), `${pattern} ${name}`).toBe(false)
})

it("a pattern of many stars costs no more than its length times the name's", () => {
  expect(matchesPattern("*a".repeat(64), "a".repeat(63))).toBe(false)
})
