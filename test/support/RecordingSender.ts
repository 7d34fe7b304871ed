import { Deferred, Effect } from "effect"
import type { Sender, Waiting } from "../../src/domain/ChatRoom.ts"
import { makePermit } from "../../src/domain/Permit.ts"
import type { Rejection } from "../../src/domain/Rejection.ts"
import type { Seq } from "../../src/domain/Room.ts"
import type { Author, ClientId } from "../../src/domain/RoomEvent.ts"

export type Outcome =
  | { readonly _tag: "Accepted"; readonly seq: Seq }
  | { readonly _tag: "Repeated"; readonly seq: Seq }
  | { readonly _tag: "Rejected"; readonly code: Rejection["code"] }

/** A sender that keeps what it was told, and lets a test wait for the n-th outcome. */
export class RecordingSender implements Sender {
  readonly permit = makePermit()
  readonly outcomes: Array<Outcome> = []
  readonly #waiters: Array<{ readonly count: number; readonly deferred: Deferred.Deferred<ReadonlyArray<Outcome>> }> =
    []

  accepted(_id: ClientId | undefined, seq: Seq): void {
    this.#add({ _tag: "Accepted", seq })
  }

  repeated(_id: ClientId, seq: Seq): void {
    this.#add({ _tag: "Repeated", seq })
  }

  rejected(_id: ClientId | undefined, { code }: Rejection): void {
    this.#add({ _tag: "Rejected", code })
  }

  /** The outcomes, once there are `count` of them. */
  awaitOutcomes(count: number): Effect.Effect<ReadonlyArray<Outcome>> {
    return Effect.suspend(() => {
      if (this.outcomes.length >= count) return Effect.succeed(this.outcomes)
      const deferred = Deferred.makeUnsafe<ReadonlyArray<Outcome>>()
      this.#waiters.push({ count, deferred })
      return Deferred.await(deferred)
    })
  }

  waiting(author: Author, message: string, id?: ClientId): Waiting {
    return { sender: this, author, payload: { message }, id, size: message.length }
  }

  #add(outcome: Outcome): void {
    this.outcomes.push(outcome)
    for (const { count, deferred } of this.#waiters) {
      if (this.outcomes.length >= count) Deferred.doneUnsafe(deferred, Effect.succeed(this.outcomes))
    }
  }
}
