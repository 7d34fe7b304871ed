import { expect, it } from "vitest"
import { readOptions } from "../../bench/Options.ts"
import { journals } from "../../bench/targets/Journals.ts"

const known = { scenarios: ["closed", "open", "idle"], targets: ["parley", "ws"] }
const read = (...args: ReadonlyArray<string>) => readOptions(args, known)

it("Scenarios, sizes, turns, seconds, names, a journal and a file are read", () => {
  const options = read(
    ..."--scenario open,closed --sockets 10,20 --turns=4 --seconds 1.5 --only ws".split(" "),
    ..."--journal mongodb --json a.json --write-docs".split(" ")
  )
  expect(options).toMatchObject({
    scenarios: ["open", "closed"],
    sockets: [10, 20],
    rounds: 4,
    most: 4,
    seconds: 1.5,
    warmUpSeconds: 2,
    quick: false,
    json: "a.json",
    only: ["ws"],
    journal: { name: "mongodb" },
    writeDocs: true
  })
})

it("Without options every scenario is run, three turns each and five where a figure is close to its bound", () => {
  expect(read()).toMatchObject({ scenarios: known.scenarios, rounds: 3, most: 5, journal: { name: "sqlite" } })
  expect(read("--quick")).toMatchObject({ scenarios: known.scenarios, rounds: 1, most: 1, quick: true })
})

it("An option, a scenario, a server or a journal that does not exist names itself", () => {
  expect(() => read("--socket", "10")).toThrow("'--socket'")
  expect(() => read("--scenario", "closed,opne")).toThrow("--scenario: there is no opne; there are closed, open, idle.")
  expect(() => read("--only", "parley,uws")).toThrow("--only: there is no uws; there are parley, ws.")
  expect(() => read("--journal", "redis")).toThrow("--journal: there is no redis; there are sqlite, mongodb.")
})

it("A value that makes no sense names its option and what was expected", () => {
  expect(() => read("--sockets", "10,many")).toThrow('--sockets: a whole number from 1 to 28000, not "many".')
  expect(() => read("--turns", "0")).toThrow('--turns: a whole number from 1 to 99, not "0".')
  expect(() => read("--seconds", "")).toThrow("--seconds")
})

it("A quick run writes no record", () => {
  expect(() => read("--quick", "--write-docs")).toThrow("--write-docs")
})

it("A journal outside the server names the variables that are missing, and passes on no others", async () => {
  const mongodb = journals.find(({ name }) => name === "mongodb")
  const whole = { MONGODB_URI: "mongodb://127.0.0.1", DB_HOST: "127.0.0.1", DB_USER: "root", DB_NAME: "bench" }
  await expect(mongodb?.open({ ...whole, DB_USER: "" })).rejects.toThrow(
    "--journal mongodb: set DB_USER, too, or none of"
  )
  const opened = await mongodb?.open({ ...whole, DB_PORT: "3307", HOME: "/root" })
  expect(opened?.env).toEqual({ ...whole, DB_PORT: "3307" })
})
