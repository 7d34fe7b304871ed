import { describe, expect, it } from "@effect/vitest"
import { MongoBulkWriteError, MongoNetworkError, MongoServerError, MongoServerSelectionError } from "mongodb"
import { Effect, Result } from "effect"
import { commit } from "../../../src/adapters/mongodb/Commit.ts"
import type { Insert } from "../../../src/adapters/mongodb/Commit.ts"
import { insertFailure } from "../../../src/adapters/mongodb/InsertFailure.ts"
import type { InsertFailure } from "../../../src/adapters/mongodb/InsertFailure.ts"
import { RoomHeads } from "../../../src/adapters/mongodb/RoomHeads.ts"
import type { RoomReads } from "../../../src/adapters/mongodb/RoomReads.ts"
import { JournalError } from "../../../src/ports/Journal.ts"
import { at, message, room } from "../../support/Events.ts"

const names = ["a", "b", "c"].map(room)
const refused = new JournalError({ reason: "Refused", detail: "no answer" })

/** An empty log, as far as it is asked. */
const emptyLog: RoomReads = {
  ping: Effect.void,
  head: () => Effect.succeed(at(0)),
  read: () => Effect.succeed([]),
  withKeys: () => Effect.succeed(new Map())
}

/** Two events of each of three rooms; the inserts meet these failures, in order, then none. Gives each room's reason, and the texts of each insert. */
const committed = (failures: ReadonlyArray<InsertFailure>, reads: RoomReads = emptyLog) =>
  Effect.gen(function* () {
    const heads = new RoomHeads()
    for (const name of names) heads.set(name, 0)
    const inserts: Array<ReadonlyArray<string>> = []
    const insert: Insert = (documents) =>
      Effect.sync(() => {
        inserts.push(documents.map((document) => document.message))
        return failures[inserts.length - 1]
      })
    const submissions = names.map((name) => ({
      room: name,
      expectedHead: 0,
      events: [message(`${name}1`), message(`${name}2`)]
    }))
    const answers = yield* commit(submissions, insert, reads, heads)
    const reasons = answers.map((answer) =>
      Result.match(answer, {
        onFailure: (error) => error.reason,
        onSuccess: (placed) => placed.map(({ seq }) => seq).join()
      })
    )
    return { reasons, inserts }
  })

const stopped = (index: number, duplicate: boolean): InsertFailure => ({
  type: "Stopped",
  index,
  duplicate,
  detail: "stopped"
})

describe("what a commit answers, where its insert", () => {
  it.effect("did not leave, or was denied: refused, all of it", () =>
    Effect.gen(function* () {
      for (const type of ["Unsent", "Denied"] as const) {
        const { reasons } = yield* committed([{ type, detail: "" }])
        expect(reasons).toEqual(["Refused", "Refused", "Refused"])
      }
    })
  )

  it.effect("was not answered: unknown, all of it", () =>
    Effect.gen(function* () {
      const { reasons, inserts } = yield* committed([{ type: "Unknown", detail: "" }])
      expect(reasons).toEqual(["Unknown", "Unknown", "Unknown"])
      expect(inserts).toHaveLength(1)
    })
  )

  it.effect("stopped at a document that the server does not take: that room alone, and the rest goes on", () =>
    Effect.gen(function* () {
      const first = yield* committed([stopped(2, false)])
      expect(first.reasons).toEqual(["1,2", "Refused", "1,2"])
      expect(first.inserts).toEqual([
        ["a1", "a2", "b1", "b2", "c1", "c2"],
        ["c1", "c2"]
      ])
      // Where half of the room's batch is stored, refused would not be true.
      expect((yield* committed([stopped(3, false)])).reasons).toEqual(["1,2", "Unknown", "1,2"])
    })
  )

  it.effect("stopped, and what follows is lost: what stood before is stored, the rest is unknown or refused", () =>
    Effect.gen(function* () {
      const lost = yield* committed([stopped(2, false), { type: "Unknown", detail: "" }])
      expect(lost.reasons).toEqual(["1,2", "Refused", "Unknown"])
      const unsent = yield* committed([stopped(2, false), { type: "Unsent", detail: "" }])
      expect(unsent.reasons).toEqual(["1,2", "Refused", "Refused"])
    })
  )

  it.effect("met a duplicate that cannot be looked up: unknown, since what stands there may be its own", () =>
    Effect.gen(function* () {
      const { reasons } = yield* committed([stopped(2, true)], { ...emptyLog, head: () => Effect.fail(refused) })
      expect(reasons).toEqual(["1,2", "Unknown", "1,2"])
    })
  )

  it.effect("met a duplicate that the log does not explain: unknown, after some attempts", () =>
    Effect.gen(function* () {
      const { reasons, inserts } = yield* committed([
        stopped(2, true),
        ...Array.from({ length: 20 }, () => stopped(0, true))
      ])
      expect(reasons[0]).toBe("1,2")
      expect(reasons[1]).toBe("Unknown")
      expect(inserts.length).toBeLessThan(20)
    })
  )

  it.effect("makes a look-up die: unknown, and nobody waits for ever", () =>
    Effect.gen(function* () {
      const { reasons } = yield* committed([stopped(0, true)], { ...emptyLog, head: () => Effect.die("bug") })
      expect(reasons).toEqual(["Unknown", "Unknown", "Unknown"])
    })
  )
})

describe("an error of an insert means", () => {
  const bulk = (
    code: number | string,
    writeErrors: ReadonlyArray<{ index: number; code: number }>,
    isConfirmed: boolean
  ) =>
    Object.assign(Object.create(MongoBulkWriteError.prototype) as MongoBulkWriteError, {
      code,
      writeErrors,
      result: { getWriteConcernError: () => (isConfirmed ? undefined : { code: 64 }) }
    })

  it.each([
    [new MongoServerSelectionError("gone", {} as never), false, "Unsent"],
    [new MongoNetworkError("cut"), true, "Unknown"],
    [bulk("EPIPE", [], true), true, "Unknown"],
    [new MongoServerError({ code: 13 }), true, "Denied"],
    [bulk(10_107, [], true), true, "Denied"],
    [new MongoServerError({ code: 11_602 }), true, "Unknown"],
    [bulk(11_000, [{ index: 3, code: 11_000 }], true), true, "Stopped"],
    [bulk(11_000, [{ index: 3, code: 11_000 }], false), true, "Unknown"],
    [bulk(64, [], false), true, "Unknown"]
  ])("%s, sent: %s: %s", (error, sent, type) => {
    expect(insertFailure(error, sent).type).toBe(type)
  })

  it("a stop at its index, which is a duplicate or is not", () => {
    expect(insertFailure(bulk(11_000, [{ index: 3, code: 11_000 }], true), true)).toMatchObject({
      index: 3,
      duplicate: true
    })
    expect(insertFailure(bulk(121, [{ index: 1, code: 121 }], true), true)).toMatchObject({
      index: 1,
      duplicate: false
    })
  })
})

it("remembers no more heads than it should", () => {
  const heads = new RoomHeads()
  for (let index = 0; index <= 16_384; index++) heads.set(room(`r${index}`), index + 1)
  expect(heads.get(room("r0"))).toBe(undefined)
  expect(heads.get(room("r1"))).toBe(2)
})
