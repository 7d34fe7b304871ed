import { expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Memory from "../../src/adapters/memory/Journal.ts"
import { Journal } from "../../src/ports/Journal.ts"
import { at, message, room } from "./Events.ts"
import { JournalFaults, layer } from "./UnreliableJournal.ts"

const a = room("a")
const batch = [message("1"), message("2", { id: "x" })]
const unreliable = Effect.provide(layer(Memory.layer))

it.effect("a write that lands late, before or after it was sent again, is stored once", () =>
  Effect.gen(function* () {
    const journal = yield* Journal
    const faults = yield* JournalFaults
    const early = yield* faults.delayNext
    expect(yield* Effect.flip(journal.append(a, at(0), batch))).toMatchObject({ reason: "Unknown" })
    expect(yield* journal.head(a)).toBe(0)
    yield* early.land
    expect(yield* journal.head(a)).toBe(2)
    expect((yield* journal.append(a, at(0), batch)).map((placed) => placed.seq)).toEqual([1, 2])
    const late = yield* faults.delayNext
    const more = [message("3")]
    yield* Effect.flip(journal.append(a, at(2), more))
    yield* journal.append(a, at(2), more)
    yield* late.land
    expect(yield* journal.head(a)).toBe(3)
  }).pipe(unreliable)
)

it.effect("faults are met in the order of the commands, one an append", () =>
  Effect.gen(function* () {
    const journal = yield* Journal
    const faults = yield* JournalFaults
    yield* faults.refuseNext
    yield* faults.loseNext
    yield* faults.storePrefixOfNext(1)
    yield* faults.storeNextUnanswered
    const submit = Effect.flip(journal.append(a, at(0), batch))
    const seen: Array<readonly [string, number]> = []
    for (let turn = 0; turn < 4; turn++) seen.push([(yield* submit).reason, yield* journal.head(a)])
    expect(seen).toEqual([
      ["Refused", 0],
      ["Unknown", 0],
      ["Unknown", 1],
      ["Unknown", 2]
    ])
    expect((yield* journal.append(a, at(0), batch)).map((placed) => placed.seq)).toEqual([1, 2])
  }).pipe(unreliable)
)

it.effect("a held append is stored when it is released", () =>
  Effect.gen(function* () {
    const journal = yield* Journal
    const faults = yield* JournalFaults
    const held = yield* faults.holdNext
    const fiber = yield* Effect.forkChild(journal.append(a, at(0), batch))
    yield* held.called
    expect(yield* journal.head(a)).toBe(0)
    yield* held.release
    yield* Fiber.join(fiber)
    expect(yield* journal.head(a)).toBe(2)
  }).pipe(unreliable)
)
