import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { connect } from "node:net"
import type { AddressInfo, Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setImmediate } from "node:timers/promises"
import { expect, it, onTestFinished } from "vitest"
import { makeAcceptor } from "../../../src/adapters/ws/WebSocketTransport.ts"
import type { WebSocketTransport } from "../../../src/adapters/ws/WebSocketTransport.ts"

const handshake =
  "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

/** An open socket from both its sides: `raw` is what the transport writes to. */
const open = async (): Promise<{
  readonly transport: WebSocketTransport
  readonly raw: Socket
  readonly peer: Socket
}> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { accept } = makeAcceptor()
  let raw: Socket | undefined
  const opened = new Promise<WebSocketTransport>((resolve) => {
    server.on("upgrade", (request, socket, head) => {
      raw = request.socket
      accept(request, socket, head, resolve)
    })
  })
  const { port } = server.address() as AddressInfo
  const peer = connect(port, "127.0.0.1")
  peer.on("error", () => {})
  peer.write(handshake)
  const transport = await opened
  onTestFinished(() => {
    peer.destroy()
    transport.terminate()
    server.close()
  })
  if (raw === undefined) throw new Error("no socket")
  return { transport, raw, peer }
}

it("a reader that takes a part of one large write is seen to move", async () => {
  const { peer, transport } = await open()
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
})

it("what is written arrives as it was written, whoever takes it when: the system at once, a part of it, or the stream later", async () => {
  const { peer, transport } = await open()
  // The system's buffers are full amid the small ones.
  const small = Array.from({ length: 600 }, () => 20_001)
  const sizes = [1, 900, 300_000, 7, ...small, 20_000_000, 1, 65_536, 3, 5_000_000, 2]
  const sent = sizes.map((size) => randomBytes(size))
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const received: Array<Buffer> = []
  let length = 0
  const all = new Promise<void>((resolve) => {
    peer.on("data", (chunk: Buffer) => {
      received.push(chunk)
      length += chunk.length
      if (length >= total) resolve()
    })
  })
  await once(peer, "data")
  const head = Buffer.concat(received).indexOf("\r\n\r\n") + 4
  length -= head
  for (const [index, bytes] of sent.entries()) {
    if (index === 4) peer.pause()
    transport.write(bytes)
    if (index === sizes.length - 4) peer.resume()
    if (index % 2 === 1) await setImmediate()
  }
  expect(transport.queuedBytes()).toBeGreaterThan(0)
  await all
  expect(Buffer.concat(received).subarray(head).equals(Buffer.concat(sent))).toBe(true)
})

it("a socket that was closed is not written to, nor who has its number now", async () => {
  const { raw, transport } = await open()
  const directory = mkdtempSync(join(tmpdir(), "parley-"))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const file = join(directory, "other")
  const fd = Number(Reflect.get(Object(Reflect.get(raw, "_handle")), "fd"))
  // Its end is known to nobody but Node yet.
  raw.destroy()
  const taken: Array<number> = []
  do taken.push(openSync(file, "w"))
  while (!taken.includes(fd) && taken.length < 100)
  expect(taken).toContain(fd)
  transport.write(Buffer.from("for somebody else"))
  expect(fstatSync(fd).size).toBe(0)
  for (const other of taken) closeSync(other)
})
