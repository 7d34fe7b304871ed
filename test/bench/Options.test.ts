import { expect, it } from "vitest"
import { readOptions } from "../../bench/Options.ts"

const read = (...args: ReadonlyArray<string>) => readOptions(args, ["parley", "ws"])

it("Sizes, turns, seconds, names and a file are read", () => {
  expect(read("--sockets", "10,20", "--turns=5", "--seconds", "1.5", "--only", "ws", "--json", "a.json")).toEqual({
    sockets: [10, 20],
    turns: 5,
    seconds: 1.5,
    warmUpSeconds: 2,
    json: "a.json",
    only: ["ws"]
  })
})

it("An option that does not exist names itself", () => {
  expect(() => read("--socket", "10")).toThrow("'--socket'")
})

it("A value that makes no sense names its option and what was expected", () => {
  expect(() => read("--sockets", "10,many")).toThrow('--sockets: a whole number from 1 to 28000, not "many".')
  expect(() => read("--turns", "0")).toThrow('--turns: a whole number from 1 to 99, not "0".')
  expect(() => read("--seconds", "")).toThrow("--seconds")
  expect(() => read("--only", "parley,uws")).toThrow("--only: there is no uws; there are parley, ws.")
})
