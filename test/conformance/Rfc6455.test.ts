import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ChatClient } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { cases, goodbye } from "./Cases.ts"
import { FramePeer } from "./FramePeer.ts"

describe("RFC 6455, frame by frame", () => {
  const server = new ServerProcess()
  let started: Started
  let neighbour: ChatClient
  beforeAll(async () => {
    started = await server.up(unlimited)
    neighbour = await ChatClient.connect(started.socketUrl, { room: "neighbour", since: 0 })
  })
  afterAll(() => server.remove())

  it("has sixty cases and more, each with a number of its own", () => {
    expect(new Set(cases.map(({ number }) => number)).size).toBe(cases.length)
    expect(cases.length).toBeGreaterThanOrEqual(60)
  })

  it.each(
    cases.map((each, index) => ({
      ...each,
      index,
      what: each.octets === true ? `${each.what}, byte by byte` : each.what
    }))
  )("$number $what", async ({ code, number, octets = false, pongs = [], said = [], send }) => {
    const peer = await FramePeer.connect(started.socketUrl, `case-${number}`)
    for (const [at, bytes] of send.entries()) {
      // What is wrong comes last: what was good before it has its answer then.
      if (at > 0 && at === send.length - 1 && code !== undefined) await peer.until(said.length, pongs.length)
      await (octets ? peer.sendOctets(bytes) : peer.send(bytes))
    }
    await peer.until(said.length, pongs.length)
    if (code === undefined) await peer.send(goodbye)
    expect(await peer.untilClosed()).toEqual({ said, pongs, code: code ?? 1000 })
    neighbour.say(`after ${number}`)
    await neighbour.delivered(`after ${number}`)
    expect(neighbour.messages.at(-1)?.seq).toBe(neighbour.messages.length)
    expect(neighbour.frames.length).toBe(neighbour.messages.length)
  })

  it("leaves a server that ends in order", async () => {
    expect(await started.stop("SIGTERM")).toEqual([0, null])
    expect(started.stderr).toBe("")
  })
})
