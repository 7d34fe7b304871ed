import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { jsonCodec } from "../../../../src/adapters/ws/centrifuge/JsonCodec.ts"
import { Presence } from "../../../../src/adapters/ws/centrifuge/Presence.ts"
import type { Pushes, Watcher } from "../../../../src/adapters/ws/centrifuge/Presence.ts"
import { RoomName } from "../../../../src/domain/Room.ts"
import { Random } from "../../../delivery/Random.ts"
import { MemoryServer } from "../../../support/CentrifugePeer.ts"
import type { MemoryPeer, Value } from "../../../support/CentrifugePeer.ts"

const room = RoomName.make("room")
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => from + index)
const sorted = (clients: Iterable<string>) => Array.from(clients).toSorted()

/** As a client does it: reads presence, then goes by what it hears. */
class Follower implements Watcher {
  /** Whom it takes to be there, once it has read. */
  knows: Set<string> | undefined
  /** Joins of whom it knew, leaves of whom it did not. */
  readonly idle: Array<string> = []
  /** Changes in each push. */
  readonly heard: Array<number> = []

  push(pushes: Pushes): void {
    const text = Buffer.from(pushes.encodedBy(jsonCodec)).toString("latin1")
    const changes = Array.from(text.matchAll(/"(join|leave)":\{"info":\{"client":"([^"]+)"/g))
    this.heard.push(changes.length)
    for (const [, kind, client = ""] of changes) {
      if (this.knows === undefined) continue
      if (this.knows.has(client) === (kind === "join")) this.idle.push(`${kind} ${client}`)
      if (kind === "join") this.knows.add(client)
      else this.knows.delete(client)
    }
  }

  get told(): number {
    return this.heard.reduce((sum, count) => sum + count, 0)
  }
}

/** A room, and who is in truth there. */
class Crowd {
  readonly presence = new Presence()
  readonly there = new Map<string, Watcher>()

  join(client: string, watcher?: Watcher): void {
    this.there.set(client, watcher ?? new Follower())
    this.presence.join(room, { client, user: "" }, watcher)
  }

  leave(client: string): void {
    const watcher = this.there.get(client)
    this.there.delete(client)
    if (watcher !== undefined) this.presence.leave(room, client, watcher)
  }

  come(...indexes: ReadonlyArray<number>): void {
    for (const index of indexes) this.join(`client-${index}`)
  }

  go(...indexes: ReadonlyArray<number>): void {
    for (const index of indexes) this.leave(`client-${index}`)
  }

  read(follower: Follower): void {
    const members = this.presence.membersOf(room)
    if (members !== undefined) follower.knows = new Set(Object.keys(members))
  }

  expectRight(follower: Follower): void {
    if (follower.knows !== undefined) expect(sorted(follower.knows)).toEqual(sorted(this.there.keys()))
  }
}

/** So many in a room, somebody who has read who they are beside them. */
const watchedCrowd = (count: number): readonly [Crowd, Follower] => {
  const [crowd, follower] = [new Crowd(), new Follower()]
  crowd.join("watcher", follower)
  crowd.come(...numbers(count))
  crowd.presence.flush()
  crowd.read(follower)
  follower.heard.length = 0
  follower.idle.length = 0
  return [crowd, follower]
}

describe("whoever read presence and hears of joins and leaves is right again", () => {
  test("after 950 came back before anybody knew that they had gone", () => {
    const [crowd, follower] = watchedCrowd(950)
    crowd.come(...numbers(950, 10_000))
    crowd.presence.flush()
    crowd.go(...numbers(950))
    crowd.presence.flush()
    crowd.expectRight(follower)
    expect(follower.idle).toEqual([])
    expect(follower.heard).toEqual([1_900])
  })

  test("after a room grew to 1,500 and shrank to 101, whoever came and went in between unmentioned", () => {
    const [crowd, follower] = watchedCrowd(100)
    crowd.come(...numbers(1_400, 100))
    crowd.presence.flush()
    crowd.go(...numbers(1_400, 50))
    crowd.presence.flush()
    crowd.expectRight(follower)
    expect(follower.idle).toEqual([])
    expect(follower.heard).toEqual([100])
  })

  test("after a join that waited when the room passed 1,000 was followed by its leave", () => {
    const [crowd, follower] = watchedCrowd(999)
    crowd.go(0)
    crowd.come(5_000, 5_001, 5_002)
    crowd.go(5_000)
    crowd.go(5_001)
    crowd.presence.flush()
    crowd.expectRight(follower)
    expect(follower.idle).toEqual([])
    expect(follower.heard).toEqual([2])
  })

  test("after a room of 10,000 is another crowd: it hears of whom it knew and of who is there, of nobody else", () => {
    const [crowd, follower] = watchedCrowd(999)
    crowd.come(...numbers(9_000, 1_000))
    crowd.presence.flush()
    crowd.go(...numbers(999), ...numbers(8_001, 1_000))
    expect(follower.heard).toEqual([])
    crowd.presence.flush()
    crowd.expectRight(follower)
    expect(follower.idle).toEqual([])
    expect(follower.heard).toEqual([999 + 999])
  })

  test("where it read between a join and a leave, or a leave and a join, that others need not hear of", () => {
    const [crowd, early] = watchedCrowd(200)
    crowd.come(300)
    crowd.go(7)
    const late = new Follower()
    crowd.join("late", late)
    crowd.read(late)
    crowd.go(300)
    crowd.come(7)
    crowd.presence.flush()
    crowd.expectRight(early)
    crowd.expectRight(late)
  })

  test("where it is the first to watch a room of more than 1,000: it hears of everybody who stayed", () => {
    const [crowd, follower] = [new Crowd(), new Follower()]
    crowd.come(...numbers(3_000))
    crowd.join("watcher", follower)
    expect(crowd.presence.membersOf(room)).toBeUndefined()
    follower.knows = new Set()
    crowd.go(...numbers(2_001))
    crowd.presence.flush()
    crowd.expectRight(follower)
    expect(follower.idle).toEqual([])
  })

  test("where it came after the last one who watched had gone: it hears nothing that was meant for that one", () => {
    const [crowd] = watchedCrowd(200)
    crowd.come(300)
    crowd.leave("watcher")
    crowd.go(300, 7)
    const next = new Follower()
    crowd.join("next", next)
    crowd.presence.flush()
    crowd.read(next)
    crowd.presence.flush()
    crowd.expectRight(next)
    expect(next.heard).toEqual([1])
  })

  test("in a room that is over 1,000 whenever it could be told, and read while it is not, with bounded pushes", () => {
    const [crowd, follower] = watchedCrowd(999)
    for (const round of numbers(40)) {
      crowd.go(...numbers(500, round * 500))
      crowd.come(...numbers(500, (round + 2) * 500 - 1))
      crowd.read(new Follower())
      crowd.come(100_000)
      crowd.presence.flush()
      crowd.go(100_000)
    }
    expect(follower.told).toBeGreaterThan(0)
    crowd.presence.flush()
    crowd.expectRight(follower)
    expect(Math.max(...follower.heard)).toBeLessThanOrEqual(6_000)
  })

  test.each(numbers(20))("whatever happened, by chance %i", (seed) => {
    const random = new Random(seed)
    const crowd = new Crowd()
    const followers = new Map<string, Follower>()
    let fresh = 0
    const moveTo = (size: number): void => {
      const clients = Array.from(crowd.there.keys())
      while (crowd.there.size > size) {
        const [client = ""] = clients.splice(random.below(clients.length), 1)
        followers.delete(client)
        crowd.leave(client)
      }
      // Some of them come again under the same name.
      while (crowd.there.size < size) {
        const client = `client-${random.chance(0.2) ? random.below(fresh + 1) : (fresh += 1)}`
        if (crowd.there.has(client)) continue
        const follower = random.chance(0.01) ? new Follower() : undefined
        if (follower !== undefined) followers.set(client, follower)
        crowd.join(client, follower)
      }
    }
    for (let step = 0; step < 120; step++) {
      const { size } = crowd.there
      const near = Math.max(1, size - random.below(20))
      moveTo(random.chance(0.3) ? (random.pick([60, 100, 101, 500, 999, 1_000, 1_001, 1_300]) ?? 0) : near)
      if (random.chance(0.5)) moveTo(size)
      const reader = random.pick(Array.from(followers.values()))
      if (reader !== undefined && random.chance(0.7)) crowd.read(reader)
      if (!random.chance(0.5)) continue
      crowd.presence.flush()
      if (crowd.there.size <= 1_000) for (const follower of followers.values()) crowd.expectRight(follower)
    }
  })
})

describe("on the wire", () => {
  let server: MemoryServer
  beforeEach(() => {
    server = new MemoryServer()
  })
  afterEach(() => server.stop())

  const channel = "room"
  const enter = async (): Promise<MemoryPeer> => {
    const peer = await server.connect()
    await peer.asks({ id: 2, subscribe: { channel, join_leave: true } })
    return peer
  }
  const isPush = (kind: string) => (value: Value) =>
    JSON.stringify(value).startsWith(`{"push":{"channel":"room","${kind}"`)

  test("a watcher that could not be written to subscribes anew once it can, whoever does not watch goes on", async () => {
    const [slow, other] = [await enter(), await enter()]
    const calm = await server.connect()
    await calm.asks({ id: 2, subscribe: { channel } })
    const slowOnes = [slow, calm]
    for (const { socket } of slowOnes) socket.stall()
    const data = "x".repeat(15_000)
    for (const id of numbers(20, 10)) await other.asks({ id, publish: { channel, data } })
    expect(slow.socket.queuedBytes()).toBeGreaterThan(262_144)
    const late = await enter()
    await server.advance("2 seconds")
    for (const { socket } of slowOnes) socket.unstall()
    expect(slow.came.some(isPush("unsubscribe"))).toBe(false)
    await server.advance("1 second")
    expect(slow.came.filter(isPush("unsubscribe"))).toEqual([
      { push: { channel, unsubscribe: { code: 2_500, reason: "insufficient state" } } }
    ])
    expect([other, calm, late].some(({ came }) => came.some(isPush("unsubscribe")))).toBe(false)
    // What was published meanwhile is not lost, and once is enough.
    expect(slow.came.filter(isPush("pub"))).toHaveLength(20)
    expect(await slow.asks({ id: 3, subscribe: { channel, join_leave: true } })).toMatchObject({
      subscribe: { offset: 20 }
    })
    await server.advance("2 seconds")
    expect(slow.came.filter(isPush("unsubscribe"))).toHaveLength(1)
    late.socket.drop()
    expect(slow.came.filter(isPush("leave"))).toHaveLength(1)
  })

  test("who has left after presence was read is not told before the answer", async () => {
    const [watcher, other] = [await enter(), await enter()]
    watcher.send({ id: 3, presence: { channel } })
    other.socket.drop()
    const answer = await watcher.gets(({ id }) => id === 3)
    expect(Object.keys((answer as { presence: { presence: Value } }).presence.presence)).toHaveLength(2)
    expect(watcher.came.findIndex(isPush("leave"))).toBeGreaterThan(watcher.came.indexOf(answer))
  })
})
