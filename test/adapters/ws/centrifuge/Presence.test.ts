import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { jsonCodec } from "../../../../src/adapters/ws/centrifuge/JsonCodec.ts"
import { Presence } from "../../../../src/adapters/ws/centrifuge/Presence.ts"
import type { Watcher } from "../../../../src/adapters/ws/centrifuge/Presence.ts"
import { RoomName } from "../../../../src/domain/Room.ts"
import { MemoryServer } from "../../../support/CentrifugePeer.ts"
import type { MemoryPeer, Value } from "../../../support/CentrifugePeer.ts"

const room = RoomName.make("room")
const somebody = (index: number) => ({ client: `client-${index}`, user: `user-${index % 10}` })
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => from + index)

/** Who hears of joins and leaves, as the values of the wire, a batch for each push. */
class Ear implements Watcher {
  readonly heard: Array<ReadonlyArray<string>> = []

  push(pushes: Parameters<Watcher["push"]>[0]): void {
    const bytes = Buffer.from(pushes.encodedBy(jsonCodec))
    const texts = bytes.toString("latin1").matchAll(/"(join|leave)":\{"info":\{"client":"client-(\d+)"/g)
    this.heard.push(Array.from(texts, ([, kind, client]) => `${kind} ${client}`))
  }
}

const roomOf = (count: number): readonly [Presence, Ear] => {
  const [presence, ear] = [new Presence(), new Ear()]
  for (const index of numbers(count)) presence.join(room, somebody(index), index === 0 ? ear : undefined)
  presence.flush()
  ear.heard.length = 0
  return [presence, ear]
}

describe("presence in a room", () => {
  test("of up to 100 each join and leave is told at once", () => {
    const [presence, ear] = roomOf(99)
    presence.join(room, somebody(99), undefined)
    presence.leave(room, "client-98", new Ear())
    expect(ear.heard).toEqual([["join 99"], ["leave 98"]])
  })

  test("of more than 100 they are told together, and what comes to nothing is left out", () => {
    const [presence, ear] = roomOf(100)
    for (const index of [100, 101, 102]) presence.join(room, somebody(index), undefined)
    presence.leave(room, "client-101", new Ear())
    presence.leave(room, "client-50", new Ear())
    presence.join(room, somebody(50), undefined)
    presence.leave(room, "client-51", new Ear())
    expect(ear.heard).toEqual([])
    presence.flush()
    expect(ear.heard).toEqual([["join 100", "join 102", "leave 51"]])
    presence.flush()
    expect(ear.heard).toHaveLength(1)
  })

  test("that falls below 100 tells what it held back before what is new", () => {
    const [presence, ear] = roomOf(100)
    presence.join(room, somebody(100), undefined)
    for (const index of numbers(60, 1)) presence.leave(room, `client-${index}`, new Ear())
    presence.flush()
    expect(ear.heard[0]?.slice(0, 2)).toEqual(["join 100", "leave 1"])
    presence.join(room, somebody(7), undefined)
    expect(ear.heard.at(-1)).toEqual(["join 7"])
  })

  test("of more than 1,000 tells nobody of anybody, and refuses its members, not its figures", () => {
    const [presence, ear] = roomOf(1_000)
    expect(Object.keys(presence.membersOf(room) ?? {})).toHaveLength(1_000)
    for (const index of numbers(9_000, 1_000)) presence.join(room, somebody(index), undefined)
    presence.flush()
    expect(presence.membersOf(room)).toBeUndefined()
    expect(presence.figuresOf(room)).toEqual({ num_clients: 10_000, num_users: 10 })
    expect(ear.heard).toEqual([])
  })

  test("costs what joins and leaves are, whatever the size: a storm in a room of 10,000 encodes nothing", () => {
    const [presence, ear] = roomOf(10_000)
    for (let round = 0; round < 20; round++) {
      for (const index of numbers(1_000, 1)) presence.leave(room, `client-${index}`, new Ear())
      for (const index of numbers(1_000, 1)) presence.join(room, somebody(index), undefined)
      presence.flush()
    }
    expect(ear.heard).toEqual([])
    expect(presence.figuresOf(room)).toEqual({ num_clients: 10_000, num_users: 10 })
  })

  test("that everybody left is forgotten", () => {
    const [presence, ear] = roomOf(150)
    for (const index of numbers(150)) presence.leave(room, `client-${index}`, ear)
    presence.flush()
    expect(presence.figuresOf(room)).toEqual({ num_clients: 0, num_users: 0 })
    expect(presence.membersOf(room)).toEqual({})
  })
})

describe("presence on the wire", () => {
  let server: MemoryServer
  beforeEach(() => {
    server = new MemoryServer()
  })
  afterEach(() => server.stop())

  const enter = async (token?: string): Promise<MemoryPeer> => {
    const peer = await server.connect(token)
    await peer.asks({ id: 2, subscribe: { channel: "room" } })
    return peer
  }
  const figures = async (peer: MemoryPeer, id: number): Promise<Value> =>
    peer.asks({ id, presence_stats: { channel: "room" } })

  test("is right after every reconnect of a storm: connections are clients, accounts are users", async () => {
    const tokens = [await server.register("anna_01"), await server.register("bert_01")]
    const witness = await enter()
    const keys = numbers(30).map((index) => tokens[index % 3])
    let crowd = await Promise.all(keys.map((token) => enter(token)))
    for (let round = 0; round < 10; round++) {
      // Half of them come back before the server knows that they went.
      const [early, late] = [crowd.slice(0, 15), crowd.slice(15)]
      for (const { socket } of late) socket.drop()
      const again = await Promise.all(keys.map((token) => enter(token)))
      for (const { socket } of early) socket.drop()
      crowd = again
      expect(await figures(witness, 10 + round)).toMatchObject({ presence_stats: { num_clients: 31, num_users: 3 } })
    }
    const { presence } = await witness.asks({ id: 90, presence: { channel: "room" } })
    const there = Object.values((presence as { presence: Record<string, { user: string }> }).presence)
    expect(there.filter(({ user }) => user === "anna_01")).toHaveLength(10)
    expect(there.filter(({ user }) => user === "bert_01")).toHaveLength(10)
    expect(there.filter(({ user }) => user === "")).toHaveLength(11)
  })

  test("is refused with 108 in a room of more than 1,000, where its figures are not", async () => {
    const witness = await enter()
    await Promise.all(numbers(1_000).map(() => enter()))
    expect(await witness.asks({ id: 3, presence: { channel: "room" } })).toMatchObject({ error: { code: 108 } })
    expect(await figures(witness, 4)).toMatchObject({ presence_stats: { num_clients: 1_001, num_users: 1 } })
  })
})
