import { expect, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { IncomingMessage } from "node:http"
import { Socket } from "node:net"
import { HttpServers } from "../../../src/adapters/http/HttpServers.ts"
import { Overload } from "../../../src/adapters/http/Overload.ts"
import { ChatSockets } from "../../../src/adapters/ws/ChatSockets.ts"
import { Presence } from "../../../src/adapters/ws/centrifuge/Presence.ts"
import { SocketCensus } from "../../../src/adapters/ws/SocketCensus.ts"
import { SocketControl } from "../../../src/adapters/ws/SocketControl.ts"
import { layer as upgrades } from "../../../src/adapters/ws/Upgrades.ts"
import { EngineStats } from "../../../src/domain/EngineStats.ts"
import { Limits } from "../../../src/domain/Limits.ts"
import { RawSocket } from "../../support/RawSocket.ts"

const noSockets = new SocketControl({
  connections: new Set(),
  channels: new Map(),
  census: new SocketCensus({ socketsPerUser: 0, socketsPerAddress: 0 }),
  presence: new Presence()
})

/** What the handshakes are judged by, and what came of them. */
const makeState = () => ({ overloaded: false, atMost: Infinity, accepted: 0, heard: new Array<string>() })

const served = (state: ReturnType<typeof makeState>) => {
  const accept = () => {
    state.accepted += 1
    return {
      frame: (data: Uint8Array) => void state.heard.push(Buffer.from(data).toString()),
      alive: () => {},
      drained: () => {},
      closed: () => {}
    }
  }
  const sockets = Layer.succeed(ChatSockets, {
    drain: Effect.void,
    control: noSockets,
    admits: () => (state.accepted < state.atMost ? ("yes" as const) : ("too many of this address" as const)),
    acceptClassic: accept,
    acceptCentrifuge: accept
  })
  return upgrades({ guard: () => undefined, address: () => "192.0.2.1" }).pipe(
    Layer.provide([sockets, Layer.succeed(Overload, { isOverloaded: () => state.overloaded }), Limits.layer]),
    Layer.provideMerge(
      Layer.mergeAll(
        HttpServers.layer({ host: "127.0.0.1", apiPort: 0, socketPort: 0 }),
        EngineStats.layer,
        Logger.layer([])
      )
    )
  )
}

const listening = Effect.gen(function* () {
  const { socketPort } = yield* (yield* HttpServers).listen
  return `ws://127.0.0.1:${socketPort}/message/v1/send`
})

const handshake = (url: string) =>
  Effect.acquireRelease(
    Effect.promise(() => RawSocket.handshake(url)),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

it.live("an overloaded server sends new sockets away (503, Retry-After) and keeps those that it has", () => {
  const state = makeState()
  return Effect.gen(function* () {
    const url = yield* listening
    const { limited } = yield* EngineStats
    const kept = yield* handshake(url)
    expect(kept.status).toBe(101)
    state.overloaded = true
    const refused = yield* handshake(url)
    expect(refused.status).toBe(503)
    expect(refused.head).toMatch(/\r\nRetry-After: ([2-9]|10)\r\n/)
    expect(limited.overload).toBe(1)
    yield* Effect.promise(() => kept.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69])))
    while (state.heard.length === 0) yield* Effect.yieldNow
    expect(state.heard).toEqual(["hi"])
    state.overloaded = false
    expect((yield* handshake(url)).status).toBe(101)
  }).pipe(Effect.scoped, Effect.provide(served(state)))
})

it.live("handshakes that come at once are judged one after the other: no more are let in than may", () => {
  const state = Object.assign(makeState(), { atMost: 10 })
  return Effect.gen(function* () {
    const url = yield* listening
    const answers = yield* Effect.forEach(Array.from({ length: 50 }), () => handshake(url), {
      concurrency: "unbounded"
    })
    expect(answers.filter(({ status }) => status === 101)).toHaveLength(10)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(40)
    expect((yield* EngineStats).limited.sockets_of_address).toBe(40)
  }).pipe(Effect.scoped, Effect.provide(served(state)))
})

it.live("a peer that goes away before its handshake's turn is neither let in nor refused, and disturbs nobody", () => {
  const state = Object.assign(makeState(), { overloaded: true })
  return Effect.gen(function* () {
    const url = yield* listening
    const { socket: server } = yield* HttpServers
    const gone = new Socket()
    const request = Object.assign(new IncomingMessage(gone), { method: "GET", url: "/message/v1/send" })
    server.emit("upgrade", request, gone, Buffer.alloc(0))
    gone.destroy(new Error("read ECONNRESET"))
    expect((yield* handshake(url)).status).toBe(503)
    expect((yield* EngineStats).socketsRefused).toBe(1)
  }).pipe(Effect.scoped, Effect.provide(served(state)))
})
