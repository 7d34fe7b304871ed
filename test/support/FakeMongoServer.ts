import { once } from "node:events"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { BSON } from "mongodb"
import { Effect } from "effect"
import type { Scope } from "effect"

const opReply = 1
const opMsg = 2013

/**
 * A server that says of itself how old it is (`maxWireVersion`: https://github.com/mongodb/specifications, "wire versions"), and refuses every password. It knows no
 * other command.
 */
export const fakeMongoServer = (maxWireVersion: number): Effect.Effect<number, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = createServer((socket) => {
        let buffer: Buffer = Buffer.alloc(0)
        socket.on("error", () => {})
        socket.on("data", (piece: Buffer) => {
          buffer = Buffer.concat([buffer, piece])
          while (buffer.length >= 16 && buffer.length >= buffer.readInt32LE(0)) {
            const size = buffer.readInt32LE(0)
            socket.write(answer(buffer.subarray(0, size), maxWireVersion))
            buffer = buffer.subarray(size)
          }
        })
      }).listen(0, "127.0.0.1")
      await once(server, "listening")
      return server
    }),
    (server) =>
      Effect.promise(async () => {
        server.close()
        await once(server, "close")
      })
  ).pipe(Effect.map((server) => (server.address() as AddressInfo).port))

const hello = (maxWireVersion: number) => ({
  ok: 1,
  helloOk: true,
  isWritablePrimary: true,
  ismaster: true,
  minWireVersion: 0,
  maxWireVersion,
  maxBsonObjectSize: 16_777_216,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000
})

const answer = (request: Buffer, maxWireVersion: number): Buffer => {
  const isMessage = request.readInt32LE(12) === opMsg
  const text = request.toString("latin1")
  const refusal = { ok: 0, code: 18, codeName: "AuthenticationFailed", errmsg: "Authentication failed: no such user" }
  const document = Buffer.from(BSON.serialize(text.includes("saslStart") ? refusal : hello(maxWireVersion)))
  const body = isMessage
    ? Buffer.concat([Buffer.from([0, 0, 0, 0, 0]), document])
    : Buffer.concat([replyHead(), document])
  const head = Buffer.alloc(16)
  head.writeInt32LE(16 + body.length, 0)
  head.writeInt32LE(request.readInt32LE(4), 8)
  head.writeInt32LE(isMessage ? opMsg : opReply, 12)
  return Buffer.concat([head, body])
}

/** Flags, cursor, starting from, one document. */
const replyHead = (): Buffer => {
  const head = Buffer.alloc(20)
  head.writeInt32LE(8, 0)
  head.writeInt32LE(1, 16)
  return head
}
