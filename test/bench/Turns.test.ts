import { expect, it } from "vitest"
import { takeTurns } from "../../bench/Turns.ts"

const run = async (variant: string, round: number) => `${variant}${round}`

it("Every variant has a turn a round, and each round begins with another one", async () => {
  const turns = await takeTurns({ variants: ["a", "b", "c"], rounds: 3, most: 5, isClose: () => false, run })
  expect(turns).toEqual(["a1", "b1", "c1", "b2", "c2", "a2", "c3", "a3", "b3"])
})

it("More rounds follow while the figures are close to their bounds, but no more than allowed", async () => {
  const options = { variants: ["a"], rounds: 3, most: 5, run }
  expect(await takeTurns({ ...options, isClose: () => true })).toHaveLength(5)
  expect(await takeTurns({ ...options, isClose: (turns) => turns.length < 4 })).toHaveLength(4)
})
