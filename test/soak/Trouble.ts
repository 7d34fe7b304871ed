import { fuzzFrames } from "../conformance/fuzz/FrameFuzzer.ts"
import { fuzzRequests } from "../conformance/fuzz/RequestFuzzer.ts"
import { ApiClient } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { RawSocket } from "../support/RawSocket.ts"
import type { Started } from "../support/ServerProcess.ts"
import type { Balloon } from "../support/SmallDisk.ts"
import type { Probe } from "./Probe.ts"

const connects = 200
const stalled = 10
const logins = 20
const fullMillis = 500
/** After a disk that was full senders wait until they are asked again. */
const recoveryMillis = 1_500

const pause = (millis: number): Promise<void> => new Promise((done) => setTimeout(done, millis))

/** One thing after another that goes wrong, each with a number of its own. */
export class Trouble {
  readonly #started: Started
  readonly #probe: Probe
  readonly #balloon: Balloon | undefined
  #round = 0

  /** `balloon` fills the server's disk; without one that is left out. */
  constructor(started: Started, probe: Probe, balloon: Balloon | undefined) {
    this.#started = started
    this.#probe = probe
    this.#balloon = balloon
  }

  get rounds(): number {
    return this.#round
  }

  async round(): Promise<void> {
    const { socketUrl, url } = this.#started
    const seed = (this.#round += 1)
    await fuzzFrames(this.#started, { frames: 2_000, seed })
    await fuzzRequests(this.#started, { requests: 20, seed })
    for (let n = 0; n < connects; n++) {
      const raw = await RawSocket.handshake(`${socketUrl}?room=passing-${n % 8}`)
      raw.socket.resetAndDestroy()
      await raw.ended
    }
    const sleepers = await Promise.all(
      Array.from({ length: stalled }, () => ChatClient.connect(socketUrl, { room: "probe" }))
    )
    for (const { socket } of sleepers) socket.pause()
    const api = new ApiClient(url)
    await Promise.all(Array.from({ length: logins }, (_, n) => api.login(`nobody-${n}`)))
    await this.#fillDisk()
    for (const { closed, socket } of sleepers) {
      socket.terminate()
      await closed
    }
    await pause(2_000)
  }

  async #fillDisk(): Promise<void> {
    if (this.#balloon === undefined) return
    this.#probe.disturb(fullMillis + recoveryMillis + 1_000)
    this.#balloon.fill()
    await pause(fullMillis)
    this.#balloon.remove()
    this.#probe.disturb(recoveryMillis)
    await pause(recoveryMillis)
  }
}
