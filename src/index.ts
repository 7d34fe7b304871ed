/**
 * Parley inside a program: `startParley` for everybody, and, for those who use Effect, the server as a layer, its services, its ports and the adapters that stand behind them.
 *
 * Whoever uses the Effect half has the very `effect` that this package depends on.
 */
import { Effect, Layer } from "effect"
import { readOptions } from "./ParleyOptions.ts"
import type { ParleyOptions } from "./ParleyOptions.ts"
import { serverLayer as serverOf } from "./Server.ts"

// For everybody: promises and plain values.
export { startParley } from "./startParley.ts"
export type { StartOptions } from "./startParley.ts"
export type { FollowOptions, HistoryOptions, Parley, Post } from "./Parley.ts"
export type { ParleyOptions } from "./ParleyOptions.ts"
export type { LogLine, LogOptions } from "./EmbeddedLog.ts"
export { StartError } from "./StartError.ts"
export { RoomRejected } from "./domain/Rooms.ts"
export type { MessageView } from "./domain/MessageView.ts"

// For those who use Effect: the whole server, what it provides, and what its domain is made of.
export { Server } from "./Server.ts"
export { Rooms } from "./domain/Rooms.ts"
export type { ServiceMessage } from "./domain/Rooms.ts"
export { Auth } from "./domain/Auth.ts"
export { Sessions } from "./domain/Sessions.ts"
export { Readiness } from "./domain/Readiness.ts"
export { Epoch, RoomName, Seq } from "./domain/Room.ts"
export { Author, ClientId, RoomEvent } from "./domain/RoomEvent.ts"
export type { Entry } from "./domain/RoomEvent.ts"
export { viewOf } from "./domain/MessageView.ts"

// A chat on other stores: `chatLayer` asks for a `Journal`, `Users` and a `SessionStore`.
export { chatLayer } from "./ChatLayer.ts"
export type { ChatOptions } from "./ChatLayer.ts"
export { Journal, JournalError } from "./ports/Journal.ts"
export type { Placed } from "./ports/Journal.ts"
export { MessageHistory } from "./ports/MessageHistory.ts"
export type { HistoryPage, HistoryQuery } from "./ports/MessageHistory.ts"
export { SessionStore } from "./ports/SessionStore.ts"
export type { StoredPair, StoredSession } from "./ports/SessionStore.ts"
export { StoreUnavailable, UsernameTaken, Users } from "./ports/Users.ts"
export type { UserRecord } from "./ports/Users.ts"
export { layer as memoryJournal } from "./adapters/memory/Journal.ts"
export { layer as memorySessionStore } from "./adapters/memory/SessionStore.ts"
export { layer as memoryUsers } from "./adapters/memory/Users.ts"
export { layer as sqliteJournal } from "./adapters/sqlite/Journal.ts"
export type { JournalOptions } from "./adapters/sqlite/Journal.ts"
export { layer as sqlitePeople } from "./adapters/sqlite/People.ts"
export type { PeopleOptions } from "./adapters/sqlite/People.ts"

/**
 * The whole server, listening, and its services: `Server` says where it is, `Rooms` posts and follows. The options are judged when the layer is built (`StartError`); whatever
 * else it fails with has a `message` of one line. It logs through Effect, so where the log goes is the program's to say.
 */
export const serverLayer = (options: ParleyOptions = {}) =>
  Layer.unwrap(Effect.map(readOptions(options), ({ config }) => serverOf(config, { standBy: false })))
