import { expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
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

it.live("an overloaded server sends new sockets away (503, Retry-After) and keeps those that it has", () => {
  const state = { overloaded: false }
  const heard: Array<string> = []
  const listening = {
    frame: (data: Uint8Array) => void heard.push(Buffer.from(data).toString()),
    alive: () => {},
    drained: () => {},
    closed: () => {}
  }
  const sockets = Layer.succeed(ChatSockets, {
    drain: Effect.void,
    control: noSockets,
    admits: () => "yes" as const,
    acceptClassic: () => listening,
    acceptCentrifuge: () => listening
  })
  const server = HttpServers.layer({ host: "127.0.0.1", apiPort: 0, socketPort: 0 })
  return Effect.gen(function* () {
    const { socketPort } = yield* (yield* HttpServers).listen
    const { limited } = yield* EngineStats
    const url = `ws://127.0.0.1:${socketPort}/message/v1/send`
    const served = yield* Effect.promise(() => RawSocket.handshake(url))
    expect(served.status).toBe(101)
    state.overloaded = true
    const refused = yield* Effect.promise(() => RawSocket.handshake(url))
    expect(refused.status).toBe(503)
    expect(refused.head).toMatch(/\r\nRetry-After: ([2-9]|10)\r\n/)
    expect(limited.overload).toBe(1)
    yield* Effect.promise(() => served.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69])))
    while (heard.length === 0) yield* Effect.yieldNow
    expect(heard).toEqual(["hi"])
    state.overloaded = false
    const again = yield* Effect.promise(() => RawSocket.handshake(url))
    expect(again.status).toBe(101)
    for (const { socket } of [served, refused, again]) socket.destroy()
  }).pipe(
    Effect.scoped,
    Effect.provide(
      upgrades({ guard: () => undefined, address: () => "192.0.2.1" }).pipe(
        Layer.provide([sockets, Layer.succeed(Overload, { isOverloaded: () => state.overloaded }), Limits.layer]),
        Layer.provideMerge(Layer.merge(server, EngineStats.layer))
      )
    )
  )
})
