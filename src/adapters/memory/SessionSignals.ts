import { Effect, Layer } from "effect"
import { SessionSignals } from "../../ports/SessionSignals.ts"
import type { SessionSignal } from "../../ports/SessionSignals.ts"

/** Signals within one process. */
export const layer: Layer.Layer<SessionSignals> = Layer.sync(SessionSignals, () => {
  const subscriptions = new Set<{ readonly hear: (signal: SessionSignal) => void }>()

  return {
    publish: (signal) =>
      Effect.suspend(() =>
        Effect.forEach(Array.from(subscriptions), ({ hear }) => tell(hear, signal), { discard: true })
      ).pipe(Effect.uninterruptible),
    subscribe: (subscriber) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => {
            const subscription = { hear: subscriber }
            subscriptions.add(subscription)
            return subscription
          }),
          (subscription) => Effect.sync(() => subscriptions.delete(subscription))
        )
      )
  }
})

// A subscriber that throws breaks its promise: it is named in the log and keeps nobody else from hearing.
const tell = (hear: (signal: SessionSignal) => void, signal: SessionSignal) =>
  Effect.sync(() => hear(signal)).pipe(
    Effect.catchCause((cause) => Effect.logError(`a subscriber failed on ${signal._tag}`, cause))
  )
