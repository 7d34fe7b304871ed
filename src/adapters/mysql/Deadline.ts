import { Effect, Layer } from "effect"
import { SessionStore } from "../../ports/SessionStore.ts"
import { StoreUnavailable, Users } from "../../ports/Users.ts"

const within =
  (store: StoreUnavailable["store"], millis: number) =>
  <A, E>(call: Effect.Effect<A, E>): Effect.Effect<A, E | StoreUnavailable> =>
    Effect.timeoutOrElse(call, {
      duration: millis,
      orElse: () => Effect.fail(new StoreUnavailable({ store, detail: `no answer within ${millis} ms` }))
    })

/** The stores of `layer`, each call of which answers or fails within `millis`. */
export const withDeadline =
  (millis: number) =>
  <E, R>(layer: Layer.Layer<Users | SessionStore, E, R>): Layer.Layer<Users | SessionStore, E, R> =>
    Layer.merge(boundedUsers(millis), boundedSessions(millis)).pipe(Layer.provide(layer))

const boundedUsers = (millis: number) =>
  Layer.effect(
    Users,
    Effect.map(Users, (users) => {
      const bounded = within("users", millis)
      return {
        create: (user) => bounded(users.create(user)),
        findByUsername: (username) => bounded(users.findByUsername(username)),
        replacePasswordHash: (change) => bounded(users.replacePasswordHash(change))
      }
    })
  )

const boundedSessions = (millis: number) =>
  Layer.effect(
    SessionStore,
    Effect.map(SessionStore, (sessions) => {
      const bounded = within("sessions", millis)
      return {
        create: (session) => bounded(sessions.create(session)),
        find: (sessionId) => bounded(sessions.find(sessionId)),
        rotate: (rotation) => bounded(sessions.rotate(rotation)),
        markUsed: (use) => bounded(sessions.markUsed(use)),
        remove: (sessionId) => bounded(sessions.remove(sessionId)),
        listOf: (query) => bounded(sessions.listOf(query)),
        living: (sessionIds) => bounded(sessions.living(sessionIds)),
        removeAllOf: (userId, except) => bounded(sessions.removeAllOf(userId, except)),
        removeExpired: (now, limit) => bounded(sessions.removeExpired(now, limit))
      }
    })
  )
