import { ApiClient } from "../support/ApiClient.ts"
import { Plant } from "../support/Plant.ts"
import { frameOf, RawSocket } from "../support/RawSocket.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Scenario } from "./Measurement.ts"

const atOnce = 50
const most = 1.05

export const leak: Scenario = {
  name: "leak",
  about: "100,000 connects (--connects), some of which talk; heap after garbage collection, and handles",
  run: async ({ connects, say }) => {
    const server = new ServerProcess()
    const plant = new Plant(server)
    try {
      const started = await server.up({ ...unlimited, SOCKETS_PER_IP: "0", ...plant.env })
      const api = new ApiClient(started.url)
      const message = frameOf('{"from":"visitor","message":"passing by"}')
      const one = async (n: number) => {
        const raw = await RawSocket.handshake(`${started.socketUrl}?room=room-${n % 8}`)
        if (n % 20 === 0) await raw.write(message)
        // A goodbye now and then; the others vanish, which leaves no port behind that waits.
        if (n % 10 === 0) await raw.write(frameOf("", { opcode: 8 }))
        raw.socket.resetAndDestroy()
        await raw.ended
      }
      const round = async (count: number) => {
        for (let n = 0; n < count; n += atOnce) {
          await Promise.all(Array.from({ length: atOnce }, (_, index) => one(n + index)))
          if (n % 5_000 === 0) say(`leak: ${n} of ${count} connects`)
        }
        while ((await api.metric("parley_sockets")) > 0);
      }
      // What a server of that age has: compiled code, caches, the rooms' tails.
      await round(Math.min(connects, 20_000))
      const before = await plant.measure(started)
      await round(connects)
      const after = await plant.measure(started)
      const [heap, handles] = [after.heapBytes / before.heapBytes, after.handles / before.handles]
      const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
      return [
        {
          promise: `${connects.toLocaleString("en-US")} connects: heap after garbage collection`,
          bound: "within 5 %",
          measured: `${megabytes(before.heapBytes)}, then ${megabytes(after.heapBytes)} (× ${heap.toFixed(3)})`,
          kept: heap <= most
        },
        {
          promise: `${connects.toLocaleString("en-US")} connects: open handles`,
          bound: "within 5 %",
          measured: `${before.handles}, then ${after.handles}`,
          kept: handles <= most
        }
      ]
    } finally {
      await server.remove()
    }
  }
}
