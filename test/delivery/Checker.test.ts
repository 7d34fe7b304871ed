import { describe, expect, it } from "vitest"
import { Checker } from "./Checker.ts"
import type { DeliveryEvent } from "./DeliveryEvent.ts"
import { faults } from "./faults/Fault.ts"
import type { Fault } from "./faults/Fault.ts"
import { simulatedRun } from "./faults/SimulatedRun.ts"

const seeds = Array.from({ length: 100 }, (_, index) => index + 1)

const judged = (events: ReadonlyArray<DeliveryEvent>) => {
  const checker = new Checker()
  for (const event of events) checker.take(event)
  return checker
}

describe("over a whole run", () => {
  it("finds nothing where every promise was kept", () => {
    for (const seed of seeds) {
      const checker = judged(simulatedRun(seed))
      expect(checker.violations, `seed ${seed}`).toEqual([])
      expect(checker.counts.deliveries).toBeGreaterThan(100)
      expect(checker.counts.acknowledged).toBeGreaterThan(10)
    }
  })

  const noticed: Readonly<Record<Fault, ReadonlyArray<string>>> = {
    "publish before commit": ["nothing lost", "one order", "acknowledged at its place", "once", "cause before effect"],
    "a dropped entry": ["without a hole"],
    "a swapped pair": ["one order", "once", "acknowledged at its place"],
    "a duplicate on retry": ["once"]
  }
  for (const fault of faults) {
    it(`finds ${fault}, wherever it happens`, () => {
      for (const seed of seeds) {
        const [first] = judged(simulatedRun(seed, fault)).violations
        expect(noticed[fault], `seed ${seed}`).toContain(first?.promised)
      }
    })
  }
})

describe("each promise", () => {
  const open = (segment: number, author: string, from: object = { since: 0 }): DeliveryEvent => ({
    type: "opened",
    segment,
    client: `client ${segment}`,
    room: "r",
    author,
    ...from
  })
  const sent = (segment: number, message: string, id = `id of ${message}`): DeliveryEvent => ({
    type: "sent",
    segment,
    id,
    message
  })
  const got = (segment: number, seq: number, from: string, message: string, fields: object = {}): DeliveryEvent => ({
    type: "delivered",
    segment,
    seq,
    from,
    message,
    id: `id of ${message}`,
    room: "r",
    content: `${seq} ${from} ${message}`,
    ...fields
  })
  const acked = (segment: number, message: string, seq: number): DeliveryEvent => ({
    type: "acknowledged",
    segment,
    id: `id of ${message}`,
    seq
  })
  const ended = (head: number): DeliveryEvent => ({ type: "ended", room: "r", head })
  const closed = (segment: number): DeliveryEvent => ({ type: "closed", segment, how: "1006" })
  const elsewhere: DeliveryEvent = { type: "opened", segment: 2, client: "client 2", room: "s", since: 0 }
  const said = [open(1, "ann"), sent(1, "a"), sent(1, "b"), sent(1, "c")]
  const all = [got(1, 1, "ann", "a"), got(1, 2, "ann", "b"), got(1, 3, "ann", "c")]

  const cases: ReadonlyArray<readonly [what: string, events: ReadonlyArray<DeliveryEvent>, promised?: string]> = [
    ["nothing is wrong with a room that was read to its end", [...said, ...all, ended(3)]],
    ["a first position that is not the one after since is a hole", [...said, got(1, 2, "ann", "b")], "without a hole"],
    ["a position that comes again is one", [...said, got(1, 1, "ann", "a"), got(1, 1, "ann", "a")], "without a hole"],
    [
      "a resumed socket that leaves one out has a hole",
      [...said, ...all, closed(1), open(2, "bob", { since: 1 }), got(2, 3, "ann", "c")],
      "without a hole"
    ],
    ["the last two of three are a history", [...said, ...all, open(2, "bob", { history: 2 }), got(2, 2, "ann", "b")]],
    [
      "a history that begins too early is none",
      [...said, ...all, open(2, "bob", { history: 2 }), got(2, 1, "ann", "a")],
      "without a hole"
    ],
    [
      "two clients that see something else at one position have two orders",
      [...said, open(2, "bob"), got(1, 1, "ann", "a"), got(2, 1, "ann", "b")],
      "one order"
    ],
    [
      "another date at the same position is something else",
      [...said, open(2, "bob"), got(1, 1, "ann", "a"), got(2, 1, "ann", "a", { content: "later" })],
      "one order"
    ],
    ["a message at two positions is there twice", [...said, got(1, 1, "ann", "a"), got(1, 2, "ann", "a")], "once"],
    [
      "an acknowledgement that names another position is wrong",
      [...said, got(1, 1, "ann", "a"), acked(1, "a", 2)],
      "acknowledged at its place"
    ],
    [
      "something else where an acknowledgement put a message is wrong",
      [...said, acked(1, "b", 1), got(1, 1, "ann", "a")],
      "acknowledged at its place"
    ],
    ["an acknowledged message past the log's end is lost", [...said, acked(1, "a", 1), ended(0)], "nothing lost"],
    [
      "a position that was seen, and that the log does not know when a client comes back, is lost",
      [
        ...said,
        ...all,
        open(2, "bob", { since: 3 }),
        { type: "refused", segment: 2, code: "position_unknown", id: undefined }
      ],
      "nothing lost"
    ],
    [
      "a message that was sent when another had been acknowledged stands after it",
      [open(1, "ann"), open(2, "bob"), sent(1, "a"), acked(1, "a", 2), sent(2, "b"), got(2, 1, "bob", "b")],
      "cause before effect"
    ],
    [
      "what a socket sends first stands first",
      [...said, got(1, 1, "ann", "b"), got(1, 2, "ann", "a"), ended(2)],
      "cause before effect"
    ],
    ["a message that nobody sent is made up", [...said, got(1, 1, "ann", "x")], "nothing made up"],
    ["another author makes it another message", [...said, got(1, 1, "bob", "a")], "nothing made up"],
    ["another room, too", [...said, got(1, 1, "ann", "a", { room: "s" })], "nothing made up"],
    [
      "a message that comes to another room is none of that room",
      [...said, elsewhere, got(2, 1, "ann", "a", { room: "s" })],
      "nothing made up"
    ],
    ["nor is one that says that it belongs elsewhere", [...said, elsewhere, got(2, 1, "ann", "a")], "nothing made up"],
    [
      "what was acknowledged and never sent to anybody did not arrive",
      [...said, acked(1, "a", 1), closed(1), ended(1)],
      "everything arrives"
    ],
    [
      "what was acknowledged without a position, and stands nowhere, is lost",
      [...said, { type: "accepted", room: "r", author: "ann", id: "id of a" }, closed(1), ended(0)],
      "nothing lost"
    ],
    [
      "nobody is told that something is stored which he did not send",
      [...said, { type: "accepted", room: "r", author: "ann", id: "id of x" }],
      "nothing made up"
    ],
    ["another id, too", [...said, got(1, 1, "ann", "a", { id: "other" })], "nothing made up"],
    ["nobody is told of an id that he did not send", [...said, acked(1, "x", 1)], "nothing made up"],
    [
      "who stays and does not get the last one lacks something",
      [...said, ...all, open(2, "bob", { since: 2 }), ended(3)],
      "everything arrives"
    ],
    [
      "nobody who sends the same again is told that it is a conflict",
      [...said, { type: "refused", segment: 1, code: "id_conflict", id: "id of a" }],
      "the server serves"
    ],
    [
      "a refusal for a moment is the server's right",
      [...said, { type: "refused", segment: 1, code: "room_busy", id: undefined }]
    ],
    [
      "a server that ends by itself serves nobody",
      [{ type: "server", what: "ended", broken: true }],
      "the server serves"
    ]
  ]
  for (const [what, events, promised] of cases) {
    it(`holds: ${what}`, () => {
      expect(judged(events).violations.map((violation) => violation.promised)).toEqual(
        promised === undefined ? [] : [promised]
      )
    })
  }
})
