import { randomUUID } from "node:crypto"
import { Effect, Layer, Result } from "effect"
import { Epoch, Seq } from "../../domain/Room.ts"
import type { RoomName } from "../../domain/Room.ts"
import type { Entry, RoomEvent } from "../../domain/RoomEvent.ts"
import { appendBy, Journal, JournalError } from "../../ports/Journal.ts"
import type { AppendAnswer, Placed, Submit } from "../../ports/Journal.ts"
import { encodeEvent, idempotencyKey } from "../journal/EventCodec.ts"
import { place } from "../journal/Placement.ts"

interface Room {
  readonly entries: Array<Entry>
  readonly seqByKey: Map<string, number>
}

const emptyRoom: Room = { entries: [], seqByKey: new Map() }

/**
 * A journal in this process's memory: it keeps everything, for ever, and loses it when the layer's scope ends. For tests and for whoever
 * wants a chat without a disk. Each layer that is built is a new journal with an epoch of its own.
 */
export const layer: Layer.Layer<Journal> = Layer.sync(Journal, () => {
  const rooms = new Map<RoomName, Room>()

  const append = (name: RoomName, expectedHead: Seq, events: ReadonlyArray<RoomEvent>): AppendAnswer => {
    const room = rooms.get(name) ?? { entries: [], seqByKey: new Map<string, number>() }
    const keys = events.map(idempotencyKey)
    const log = {
      head: room.entries.length,
      seqOf: (key: string) => room.seqByKey.get(key),
      textAt: (seq: number) => {
        const entry = room.entries[seq - 1]
        return entry === undefined ? "" : encodeEvent(entry.event)
      }
    }
    const placement = place(log, expectedHead, events.map(encodeEvent), keys)
    if (placement === undefined) {
      const detail = `the head is ${room.entries.length}, not ${expectedHead}`
      return Result.fail(new JournalError({ reason: "Fenced", detail }))
    }
    for (const index of placement.missing) {
      const event = events[index]
      if (event === undefined) continue
      const seq = Seq.make(room.entries.length + 1)
      room.entries.push({ seq, event })
      const key = keys[index]
      if (key !== undefined && key !== "") room.seqByKey.set(key, seq)
    }
    if (placement.missing.length > 0) rooms.set(name, room)
    const placed: Array<Placed> = []
    for (const [index, seq] of placement.seqs.entries()) {
      const earlier = placement.repeated[index] === true ? room.entries[seq - 1] : undefined
      placed.push({ seq: Seq.make(seq), earlier })
    }
    return Result.succeed(placed)
  }
  const submit: Submit = (room, expectedHead, events, answered) => answered(append(room, expectedHead, events))

  return {
    epoch: Epoch.make(randomUUID()),
    append: appendBy(submit),
    submit,
    ping: Effect.void,
    head: (name) => Effect.sync(() => Seq.make((rooms.get(name) ?? emptyRoom).entries.length)),
    read: (name, after, limit) => Effect.sync(() => (rooms.get(name) ?? emptyRoom).entries.slice(after, after + limit))
  }
})
