import { Cause, Context, Effect, Exit, Layer, Schedule, Schema, Scope, Stream } from "effect"
import { describeIssues } from "./adapters/schema/Issues.ts"
import { AuthorName } from "./domain/AuthorName.ts"
import { MessageText } from "./domain/MessageText.ts"
import { viewOf } from "./domain/MessageView.ts"
import { RoomName, Seq } from "./domain/Room.ts"
import { ClientId } from "./domain/RoomEvent.ts"
import { Rooms } from "./domain/Rooms.ts"
import { embeddedLog } from "./EmbeddedLog.ts"
import type { LogOptions } from "./EmbeddedLog.ts"
import type { Parley } from "./Parley.ts"
import { readOptions } from "./ParleyOptions.ts"
import type { ParleyOptions } from "./ParleyOptions.ts"
import { MessageHistory } from "./ports/MessageHistory.ts"
import { Server, serverLayer } from "./Server.ts"
import { StartError } from "./StartError.ts"

export interface StartOptions extends ParleyOptions, LogOptions {}

/** As much as a client may send in a frame. */
const maxMessageBytes = 16 * 1024
const defaultHistory = 100
/** After a failure to read its room a listener goes on from where it was. */
const listenAgain = Schedule.spaced("1 second")

const strict = { errors: "all", onExcessProperty: "error" } as const

const decodePost = Schema.decodeUnknownExit(
  Schema.Struct({
    room: RoomName,
    from: AuthorName,
    message: MessageText.check(
      Schema.makeFilter((text: string) => Buffer.byteLength(text) <= maxMessageBytes, {
        expected: "a text of at most 16 KiB"
      })
    ),
    id: Schema.optional(ClientId)
  }),
  strict
)

const decodeQuery = Schema.decodeUnknownExit(
  Schema.Struct({
    room: RoomName,
    limit: Schema.optional(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 }))),
    before: Schema.optional(Seq),
    after: Schema.optional(Seq)
  }),
  strict
)

const decodeFollow = Schema.decodeUnknownExit(Schema.Struct({ room: RoomName, since: Schema.optional(Seq) }), strict)

const checked = <A>(exit: Exit.Exit<A, Schema.SchemaError>): Effect.Effect<A, TypeError> =>
  Exit.isSuccess(exit) ? Effect.succeed(exit.value) : Effect.fail(new TypeError(describeIssues(exit)))

const startError = (cause: Cause.Cause<unknown>, inOptions: (message: string) => string): StartError => {
  const error = Cause.squash(cause)
  return new StartError({ lines: inOptions(error instanceof Error ? error.message : String(error)).split("\n") })
}

const listenerFailed = (error: unknown) =>
  Effect.logError("A listener failed", error instanceof Error ? error : new Error(String(error)))

/**
 * Starts a server inside this program; resolves when it listens. Rejects with one `StartError` whose message says what is wrong: every wrong option by its name, a port that is in
 * use, a directory that cannot be written. Several servers may run in one program, each with a `dataDir` and ports of its own. It handles no signal, and never ends the process.
 */
export const startParley = async ({ log, logLevel, ...options }: StartOptions = {}): Promise<Parley> => {
  const { config, inOptions } = await Effect.runPromise(readOptions(options))
  const layer = serverLayer(config, { standBy: false }).pipe(
    Layer.provideMerge(embeddedLog({ log, logLevel }, inOptions))
  )
  const scope = Scope.makeUnsafe()
  const built = await Effect.runPromiseExit(Layer.buildWithScope(layer, scope))
  if (Exit.isFailure(built)) {
    await Effect.runPromise(Scope.close(scope, built))
    throw startError(built.cause, inOptions)
  }
  const context = built.value
  const run = Effect.runPromiseWith(context)
  const rooms = Context.get(context, Rooms)
  const messages = Context.get(context, MessageHistory)
  const { broken, ...server } = Context.get(context, Server)
  await run(Effect.forEach(config.warnings, (warning) => Effect.logWarning(warning)))

  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= Effect.runPromise(Scope.close(scope, Exit.void)))
  const stopped = Promise.withResolvers<void>()
  // Whoever does not ask is not punished for it.
  stopped.promise.catch(() => {})
  Effect.runForkWith(context)(broken).addObserver((exit) => {
    if (Exit.isSuccess(exit)) return
    const stopping = run(Effect.logFatal("the server stops by itself", exit.cause)).then(close)
    void stopping.then(() => stopped.reject(Cause.squash(exit.cause)))
  })

  return {
    ...server,
    post: async (post) =>
      run(
        Effect.gen(function* () {
          return { seq: yield* rooms.post(yield* checked(decodePost(post))) }
        })
      ),
    history: async (room, page = {}) =>
      run(
        Effect.gen(function* () {
          const { limit = defaultHistory, ...query } = yield* checked(decodeQuery({ ...page, room }))
          const { entries } = yield* messages.page({ ...query, limit })
          return entries.map((entry) => viewOf(query.room, entry))
        })
      ),
    onMessage: async (name, listener, from = {}) =>
      run(
        Effect.gen(function* () {
          const { room, since } = yield* checked(decodeFollow({ ...from, room: name }))
          const following = yield* Scope.fork(scope)
          const entries = yield* rooms.follow(room, since).pipe(
            Scope.provide(following),
            Effect.onError((cause) => Scope.close(following, Exit.failCause(cause)))
          )
          yield* Stream.runForEach(entries, (entry) =>
            Effect.tryPromise({
              try: async () => void (await listener(viewOf(room, entry))),
              catch: (error) => error
            }).pipe(Effect.catch(listenerFailed))
          ).pipe(
            Effect.tapError((error) => Effect.logWarning("A listener waits for its room", error)),
            Effect.retry(listenAgain),
            Effect.forkIn(following)
          )
          return () => Effect.runPromise(Scope.close(following, Exit.void))
        })
      ),
    stop: async () => {
      await close()
      stopped.resolve()
    },
    stopped: stopped.promise
  }
}
