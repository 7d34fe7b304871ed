import { describe, expect, it } from "vitest"
import { OptionsError, readOptions, replay } from "./Options.ts"

describe("the delivery checker's options", () => {
  it("say how many seeds, and for how long", () => {
    const options = readOptions(["--seeds", "3", "--minutes", "0.5"])
    expect(options).toEqual({ seeds: [1, 2, 3], minutes: 0.5, clients: 24, rooms: 4, kills: 10, wires: ["classic"] })
  })

  it("name single seeds", () => {
    expect(readOptions(["--seeds", "3,17"])).toMatchObject({ seeds: [3, 17] })
    expect(readOptions(["--seed", "7"])).toMatchObject({ seeds: [7] })
  })

  it("have a seed again as it was", () => {
    const options = readOptions(["--clients", "8", "--rooms", "2", "--kills", "3", "--wires", "classic,centrifuge"])
    if (options === "help") throw new Error("no help was asked for")
    const [, , , , ...args] = replay(options, 5, 30).split(" ")
    expect(readOptions(args)).toEqual({
      seeds: [5],
      minutes: 0.5,
      clients: 8,
      rooms: 2,
      kills: 3,
      wires: ["classic", "centrifuge"]
    })
  })

  for (const [args, what] of [
    [["--seeds", "many"], "--seeds"],
    [["--seeds", "1,x"], "--seeds"],
    [["--seed", "1", "--seeds", "2"], "--seed and --seeds"],
    [["--minutes", "0"], "--minutes"],
    [["--kills", "1.5"], "--kills"],
    [["--clients", ""], "--clients"],
    [["--rooms", "0"], "--rooms"],
    [["--wires", "classic,morse"], "--wires"],
    [["--nonsense"], "--nonsense"],
    [["stray"], "stray"]
  ] as const) {
    it(`tell what is wrong with ${args.join(" ")}`, () => {
      expect(() => readOptions(args)).toThrow(OptionsError)
      expect(() => readOptions(args)).toThrow(what)
    })
  }
})
