import { Random } from "../../delivery/Random.ts"
import { ChatClient } from "../../support/ChatClient.ts"
import type { Started } from "../../support/ServerProcess.ts"
import { FramePeer } from "../FramePeer.ts"
import { mutatedFrame } from "./FrameMutation.ts"

export interface FrameFuzzing {
  readonly frames: number
  readonly seed: number
  readonly onProgress?: (frames: number, connections: number) => void
}

/** Connections at once. */
const peers = 16
const framesAConnection = 24
/** The neighbour says something and hears it after so many connections. */
const chatEvery = 100
/** From the end of what a peer sends until the server has ended the connection, too: its goodbye waits 2 s for an answer. */
const endWithinMillis = 10_000

/** Sends mutated frames; rejects where the server ends, answers what no server may, keeps a dead connection, or a neighbour misses something. Gives the connections that it took. */
export const fuzzFrames = async (server: Started, { frames, onProgress, seed }: FrameFuzzing): Promise<number> => {
  const neighbour = await ChatClient.connect(server.socketUrl, { room: `neighbour-${seed}`, since: 0 })
  const random = new Random(seed)
  const done = { frames: 0, connections: 0, rounds: 0 }

  const chatOn = async (): Promise<void> => {
    const round = (done.rounds += 1)
    neighbour.say(`round ${round}`)
    const { seq } = await neighbour.delivered(`round ${round}`)
    if (seq !== round) throw new Error(`the neighbour's round ${round} has position ${seq}`)
  }

  const attack = async (own: Random): Promise<void> => {
    while (done.frames < frames) {
      const count = Math.min(framesAConnection, frames - done.frames)
      done.frames += count
      done.connections += 1
      if (done.connections % chatEvery === 0) await chatOn()
      const peer = await FramePeer.connect(server.socketUrl, `fuzz-${own.below(64)}`, "")
      const bytes = Buffer.concat(Array.from({ length: count }, () => mutatedFrame(own)))
      const hex = (): string => `seed ${seed}, sent: ${bytes.toString("hex").slice(0, 2_000)}`
      await peer.send(bytes)
      if (!(await peer.end(endWithinMillis))) throw new Error(`the server keeps a connection that ended; ${hex()}`)
      try {
        void peer.conduct
      } catch (cause) {
        throw new Error(`the server answered what none may; ${hex()}`, { cause })
      }
      if (server.child.exitCode !== null) throw new Error(`the server ended; ${hex()}`)
      onProgress?.(done.frames, done.connections)
    }
  }
  await Promise.all(Array.from({ length: peers }, () => attack(random.fork())))
  await chatOn()
  await neighbour.close()
  return done.connections
}
