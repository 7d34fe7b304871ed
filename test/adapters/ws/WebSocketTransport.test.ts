import { once } from "node:events"
import { createServer } from "node:http"
import { connect } from "node:net"
import type { AddressInfo } from "node:net"
import { setImmediate } from "node:timers/promises"
import { expect, it } from "vitest"
import { makeAcceptor } from "../../../src/adapters/ws/WebSocketTransport.ts"
import type { WebSocketTransport } from "../../../src/adapters/ws/WebSocketTransport.ts"

const handshake =
  "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

it("a reader that takes a part of one large write is seen to move", async () => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { accept } = makeAcceptor()
  const opened = new Promise<WebSocketTransport>((resolve) => {
    server.on("upgrade", (request, socket, head) => accept(request, socket, head, resolve))
  })
  const { port } = server.address() as AddressInfo
  const peer = connect(port, "127.0.0.1")
  peer.write(handshake)
  const transport = await opened
  // Nothing of it is read for now; the kernel takes what it has room for.
  peer.pause()
  transport.write(Buffer.alloc(64 * 1_048_576))
  await setImmediate()
  const [queued, undrained] = [transport.queuedBytes(), transport.undrainedBytes()]
  expect(queued).toBe(64 * 1_048_576)
  expect(undrained).toBeLessThan(queued)

  // A few megabytes are read, then no more.
  let read = 0
  const enough = new Promise<void>((resolve) => {
    peer.on("data", (chunk: Buffer) => {
      read += chunk.length
      if (read < 8 * 1_048_576) return
      peer.pause()
      resolve()
    })
  })
  peer.resume()
  await enough
  while (transport.undrainedBytes() >= undrained) await setImmediate()
  expect(transport.queuedBytes()).toBe(queued)

  peer.destroy()
  transport.terminate()
  server.close()
})
