import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { fuzzCommands } from "./fuzz/CommandFuzzer.ts"
import { fuzzFrames } from "./fuzz/FrameFuzzer.ts"
import { fuzzRequests } from "./fuzz/RequestFuzzer.ts"

/** Says what chance does; a failure names it. */
const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000)

describe(`a server that is sent what nobody should send (FUZZ_SEED=${seed}; more of it: npm run fuzz)`, () => {
  const server = new ServerProcess()
  let started: Started
  beforeAll(async () => {
    started = await server.up({ ...unlimited, SOCKETS_PER_IP: "0" })
  })
  afterAll(() => server.remove())

  it("10,000 mutated frames: it lives, answers as a server may, keeps no dead connection, and a neighbour misses nothing", async () => {
    expect(await fuzzFrames(started, { frames: 10_000, seed })).toBeGreaterThan(100)
  })

  it("100,000 commands in JSON and protobuf, right, wrong and in any order, many a frame: each is answered by its rule, and a neighbour misses nothing", async () => {
    const { outcomes } = await fuzzCommands(started, { commands: 100_000, seed })
    for (const what of [
      "answered",
      "pushed",
      "nothing",
      "end 3501",
      "error 103",
      "error 104",
      "error 105",
      "error 106",
      "error 107",
      "error 409"
    ]) {
      expect(outcomes.get(what) ?? 0, what).toBeGreaterThan(0)
    }
  })

  it("100 mutated requests to each route: every reply is one of its document, none is a 5xx but a documented 503", async () => {
    const statuses = await fuzzRequests(started, { requests: 100, seed })
    const kinds = new Set([...statuses.keys()].map((key) => key.split(" ").at(-1)))
    for (const status of ["400", "401", "422"]) expect(kinds).toContain(status)
  })

  it("ends in order afterwards, and has said nothing on standard error", async () => {
    expect(await started.stop("SIGTERM")).toEqual([0, null])
    expect(started.stderr).toBe("")
  })
})
