import { ChatClient } from "../support/ChatClient.ts"

const readers = 4
const everyMillis = 50

interface Sample {
  /** When it was sent, milliseconds of `performance.now()`. */
  readonly at: number
  readonly latency: number
}

/** A quiet room beside all the trouble: how long its messages take. */
export class Probe {
  readonly samples: Array<Sample> = []
  #disturbedUntil = 0

  /** What is sent until so many milliseconds from now does not count: the disk was full by our own doing, or memory was measured. */
  disturb(millis: number): void {
    this.#disturbedUntil = Math.max(this.#disturbedUntil, performance.now() + millis)
  }

  async run(socketUrl: string, isOver: () => boolean): Promise<void> {
    const room = "probe"
    const connect = () => ChatClient.connect(socketUrl, { room })
    const clients = await Promise.all(Array.from({ length: readers }, connect))
    await Promise.all(clients.map((client) => client.settled()))
    const sent = new Map<string, number>()
    for (const client of clients) {
      client.each(({ message, seq }) => {
        client.frames.length = 0
        const at = seq === undefined ? undefined : sent.get(message)
        if (at !== undefined) this.samples.push({ at, latency: performance.now() - at })
      })
    }
    for (let n = 0; !isOver(); n++) {
      const now = performance.now()
      if (now >= this.#disturbedUntil) {
        sent.delete(String(n - 1_000))
        sent.set(String(n), now)
        clients[0]?.say(String(n), { from: "probe" })
      }
      await new Promise((done) => setTimeout(done, everyMillis))
    }
    await Promise.all(clients.map((client) => client.close()))
  }
}
