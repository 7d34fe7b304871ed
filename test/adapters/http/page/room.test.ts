import { describe, expect, it } from "@effect/vitest"
import {
  emptyRoom,
  evolveRoom,
  indexOf,
  keptAtEnd,
  keptOutgoing,
  unreadIn
} from "../../../../src/adapters/http/page/assets/store/room.js"
import {
  authorOf,
  evolve,
  initialState,
  isMine,
  maxRooms,
  roomIn,
  unreadInAll
} from "../../../../src/adapters/http/page/assets/store/state.js"

type Room = ReturnType<typeof emptyRoom>
type RoomEvent = Parameters<typeof evolveRoom>[1]
type Message = Room["messages"][number]
type State = Parameters<typeof evolve>[0]

const message = (seq: number, more: Partial<Message> = {}): Message => ({
  seq,
  id: `id-${seq}`,
  from: "grace_hopper",
  text: `message ${seq}`,
  at: seq * 1_000,
  kind: "account",
  ...more
})
const messages = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => message(from + n))
const after = (events: ReadonlyArray<RoomEvent>, room: Room = emptyRoom("lobby")): Room =>
  events.reduce(evolveRoom, room)
const received = (list: Array<Message>, watched = true): RoomEvent => ({ type: "received", messages: list, watched })
const pageOf = (from: number, to: number): RoomEvent => ({
  type: "page came",
  epoch: "e",
  head: to,
  messages: messages(from, to)
})
const wrote = (id: string, author = "guest:guest-1"): RoomEvent => ({ type: "wrote", id, text: id, at: 0, author })
const seqs = (room: Room) => room.messages.map(({ seq }) => seq)
const entered: RoomEvent = { type: "subscribed", epoch: "e", head: 10 }

describe("a room of the page, as a fold over what happened", () => {
  it("shows every position once and in order, however pages, bursts and what recovery brings overlap", () => {
    const room = after([
      entered,
      { type: "page asked for" },
      received(messages(11, 12)),
      pageOf(5, 12),
      received(messages(12, 14)),
      { type: "older came", messages: messages(1, 6) },
      received([message(13), message(15)])
    ])
    expect(seqs(room)).toEqual(Array.from({ length: 15 }, (_, n) => n + 1))
    expect(room.head).toBe(15)
  })

  it("what was written is pending, then sent, then a message in the same place of the screen", () => {
    const pending = after([entered, pageOf(1, 10), wrote("mine")])
    expect(pending.outbox).toMatchObject([{ id: "mine", state: "pending" }])
    const sent = evolveRoom(pending, { type: "sent", id: "mine" })
    expect(sent.outbox).toMatchObject([{ state: "sent" }])
    const shown = evolveRoom(sent, received([message(11, { id: "mine", kind: "guest", from: "guest-1" })]))
    expect(shown.outbox).toEqual([])
    expect(shown.messages.at(-1)).toMatchObject({ seq: 11, key: "mine" })
  })

  it("a copy that came before its answer leaves nothing behind", () => {
    const shown = after([
      entered,
      pageOf(1, 10),
      wrote("mine", "account:ada"),
      received([message(11, { id: "mine", from: "ada" })]),
      { type: "sent", id: "mine" }
    ])
    expect(shown.outbox).toEqual([])
  })

  it("another author's message under the same id settles nothing", () => {
    const room = after([entered, wrote("mine", "account:ada"), pageOf(1, 10), received([message(11, { id: "mine" })])])
    expect(room.outbox).toMatchObject([{ id: "mine", state: "pending" }])
  })

  it("a refused message says why, and is sent again under its id, or thrown away", () => {
    const failed = after([entered, wrote("a"), { type: "failed", id: "a", reason: "Too long.", retryable: true }])
    expect(failed.outbox).toMatchObject([{ id: "a", state: "failed", reason: "Too long." }])
    const again = evolveRoom(failed, { type: "retried", id: "a", author: "guest:guest-2" })
    expect(again.outbox).toMatchObject([{ id: "a", state: "pending", reason: "" }])
    expect(evolveRoom(failed, { type: "discarded", id: "a" }).outbox).toEqual([])
  })

  it("what a former speaker wrote and nobody took is not said in another's name", () => {
    const room = after([entered, wrote("a"), { type: "author changed", author: "account:ada" }])
    expect(room.outbox).toMatchObject([{ state: "failed", retryable: true }])
    const renamed = after([entered, wrote("a"), { type: "author changed", author: "guest:guest-2" }])
    expect(renamed.outbox).toMatchObject([{ state: "pending", author: "guest:guest-1" }])
  })

  it("more than may wait fails at once", () => {
    const room = after(Array.from({ length: keptOutgoing + 1 }, (_, n) => wrote(`id-${n}`)))
    expect(room.outbox.at(-1)).toMatchObject({ state: "failed" })
  })

  it("counts what was never in sight, and marks where it begins", () => {
    const room = after([entered, pageOf(1, 10)])
    expect(unreadIn(room)).toBe(0)
    const away = after([received(messages(11, 13), false)], room)
    expect([unreadIn(away), away.divider]).toEqual([3, 10])
    expect(unreadIn(evolveRoom(away, { type: "moved", atEnd: true, watched: true }))).toBe(0)
    const above = after([{ type: "moved", atEnd: false, watched: true }, received([message(11)])], room)
    expect([unreadIn(above), above.divider]).toEqual([1, 10])
  })

  it("whoever enters a room for the first time has missed nothing; whoever comes back has", () => {
    expect(unreadIn(after([entered]))).toBe(0)
    expect(unreadIn(after([entered], emptyRoom("lobby", 4)))).toBe(6)
    expect(after([entered, { type: "opened" }], emptyRoom("lobby", 4)).divider).toBe(4)
    // The log is shorter than what was read: it is another one.
    expect(unreadIn(after([entered], emptyRoom("lobby", 40)))).toBe(0)
  })

  it("a filled gap leaves a line where it was, and an empty one none", () => {
    const room = after([
      entered,
      pageOf(1, 10),
      received(messages(11, 14)),
      { type: "gap filled", after: 10, upTo: 14 }
    ])
    expect(room.notices).toMatchObject([{ kind: "filled", after: 10, upTo: 14 }])
    expect(after([{ type: "gap filled", after: 14, upTo: 14 }], room).notices.length).toBe(1)
  })

  it("another log takes the place of the old one", () => {
    const room = after([entered, pageOf(1, 10), wrote("a"), { type: "log replaced", epoch: "f", head: 3 }])
    expect(room).toMatchObject({ epoch: "f", head: 3, read: 3, messages: [], page: "idle" })
    expect(room.outbox.length).toBe(1)
  })

  it("keeps so many messages and no more while the newest is in sight", () => {
    const room = after([entered, pageOf(1, 10), ...messages(11, keptAtEnd * 2).map((one) => received([one]))])
    expect(room.messages.length).toBeLessThanOrEqual(keptAtEnd * 1.25)
    expect(seqs(room).at(-1)).toBe(keptAtEnd * 2)
  })

  it("finds where a position is, or would be", () => {
    const list = [message(2), message(4), message(6)]
    expect([1, 2, 3, 6, 7].map((seq) => indexOf(list, seq))).toEqual([0, 0, 1, 2, 3])
  })
})

describe("the page's state", () => {
  const start = initialState({ kind: "guest", name: "guest-1" }, "lobby")
  const inRoom = (state: State, room: string, event: RoomEvent): State =>
    evolve(state, { type: "in room", room, event })
  const opened = (state: State, room: string): State => evolve(state, { type: "room opened", room })

  it("lists rooms as they were joined, and lets the first ones go when there are too many", () => {
    const many = Array.from({ length: maxRooms + 5 }, (_, n) => `room-${n}`).reduce(opened, start)
    expect(many.order.length).toBe(maxRooms)
    expect(many.order.at(-1)).toBe(`room-${maxRooms + 4}`)
    expect(Object.keys(many.rooms).length).toBe(maxRooms)
  })

  it("keeps each room's draft and its messages while another one is open", () => {
    const drafted = inRoom(start, "lobby", { type: "drafted", text: "half a sen" })
    const back = opened(opened(drafted, "kitchen"), "lobby")
    expect(roomIn(back, "lobby").draft).toBe("half a sen")
    expect(roomIn(back, "kitchen").draft).toBe("")
  })

  it("counts what came in the other rooms", () => {
    let state = opened(start, "kitchen")
    state = inRoom(state, "lobby", entered)
    state = inRoom(state, "lobby", received([message(11), message(12)], false))
    expect(unreadInAll(state)).toBe(2)
  })

  it("knows a guest's own words by their ids alone, and an account's by its name", () => {
    const state = inRoom(start, "lobby", wrote("mine"))
    const guest = { kind: "guest", from: "guest-1" }
    expect(isMine(state, { ...guest, id: "mine" })).toBe(true)
    expect(isMine(state, { ...guest, id: "theirs" })).toBe(false)
    const ada = evolve(state, { type: "spoke as", me: { kind: "account", name: "ada" } })
    expect(isMine(ada, { kind: "account", from: "ada", id: "x" })).toBe(true)
    expect(isMine(ada, { kind: "guest", from: "ada", id: "x" })).toBe(false)
    expect(authorOf(ada.me)).toBe("account:ada")
  })

  it("what happens in a room that was left changes nothing", () => {
    const left = evolve(opened(opened(start, "kitchen"), "lobby"), { type: "room left", room: "kitchen" })
    expect(inRoom(left, "kitchen", received([message(1)]))).toBe(left)
  })
})
