import type { DeliveryEvent } from "../DeliveryEvent.ts"
import { Random } from "../Random.ts"
import type { Fault } from "./Fault.ts"

interface Entry {
  readonly from: string
  readonly id: string
  readonly message: string
  readonly at: number
}

interface Socket {
  readonly segment: number
  readonly client: string
  readonly author: string
  cursor: number
}

const steps = 600
/** A fault shows itself from here on. */
const faultyAfter = 300
/** Entries that a faulty server has published and not yet stored. */
const lag = 5
const room = "room"
const clients = 6

/** What the clients of a server that is a list would see: a whole run in memory, in which the server may have a fault. */
export const simulatedRun = (seed: number, fault?: Fault): ReadonlyArray<DeliveryEvent> => {
  const random = new Random(seed)
  const events: Array<DeliveryEvent> = []
  const log: Array<Entry> = []
  const sockets: Array<Socket> = []
  const said: Array<{ readonly author: string; readonly id: string; readonly message: string }> = []
  const reached = new Map<string, number>()
  let segment = 0
  let step = 0
  let planted = false

  const plant = (which: Fault): boolean => {
    if (fault !== which || step < faultyAfter || planted) return false
    planted = true
    return true
  }

  const delivered = (of: number, seq: number, at = seq): void => {
    const entry = log[at - 1]
    if (entry === undefined) return
    const content = JSON.stringify([seq, entry])
    const { from, id, message } = entry
    events.push({ type: "delivered", segment: of, seq, from, id, message, room, content })
  }

  const deliver = (socket: Socket, most: number): void => {
    for (let left = most; left > 0 && socket.cursor < log.length; left--) {
      const next = socket.cursor + 1
      if (next + 1 <= log.length) {
        if (plant("a dropped entry")) socket.cursor += 1
        else if (plant("a swapped pair")) {
          delivered(socket.segment, next, next + 1)
          delivered(socket.segment, next + 1, next)
          socket.cursor += 2
          continue
        }
      }
      socket.cursor += 1
      delivered(socket.segment, socket.cursor)
    }
    reached.set(socket.client, Math.max(reached.get(socket.client) ?? 0, socket.cursor))
  }

  const open = (client: string): void => {
    const last = reached.get(client) ?? 0
    const since = random.chance(0.8) ? last : random.between(0, last)
    const socket = { segment: ++segment, client, author: `author of ${client}`, cursor: since }
    events.push({ type: "opened", segment, client, room, author: socket.author, since })
    if (since > log.length) {
      events.push({ type: "refused", segment, code: "position_unknown", id: undefined })
      socket.cursor = log.length
    }
    sockets.push(socket)
  }

  const close = (socket: Socket): void => {
    sockets.splice(sockets.indexOf(socket), 1)
    events.push({ type: "closed", segment: socket.segment, how: "1000" })
  }

  const send = (socket: Socket, id: string, message: string): void => {
    const { author: from } = socket
    events.push({ type: "sent", segment: socket.segment, id, message })
    if (random.chance(0.05)) return
    const stored = log.findIndex((entry) => entry.from === from && entry.id === id)
    if (stored >= 0 && !plant("a duplicate on retry")) {
      events.push({ type: "acknowledged", segment: socket.segment, id, seq: stored + 1 })
    } else log.push({ from, id, message, at: step })
  }

  const act: Record<"open" | "close" | "send" | "again" | "deliver" | "kill", () => void> = {
    open: () => open(`client ${random.below(clients)}`),
    close: () => {
      const socket = random.pick(sockets)
      if (socket !== undefined) close(socket)
    },
    send: () => {
      const socket = random.pick(sockets)
      if (socket === undefined) return
      const id = `m${said.length}`
      said.push({ author: socket.author, id, message: `${socket.author} ${id}` })
      send(socket, id, `${socket.author} ${id}`)
    },
    again: () => {
      const socket = random.pick(sockets)
      const again = random.pick(said.filter(({ author }) => author === socket?.author))
      if (socket !== undefined && again !== undefined) send(socket, again.id, again.message)
    },
    deliver: () => {
      const socket = random.pick(sockets)
      if (socket !== undefined) deliver(socket, random.between(1, 20))
    },
    kill: () => {
      events.push({ type: "server", what: "is killed" })
      while (sockets[0] !== undefined) close(sockets[0])
      if (log.length > lag && plant("publish before commit")) log.length -= lag
    }
  }

  const settle = (): void => {
    for (const socket of sockets) deliver(socket, log.length)
  }

  for (; step < steps; step++) {
    // What is lost must have been seen.
    if (fault === "publish before commit") settle()
    act[random.weighted({ open: 4, close: 2, send: 10, again: 3, deliver: 10, kill: 0.5 })]()
  }
  if (fault === "publish before commit" && !planted) act.kill()
  for (let client = 0; client < clients; client++) open(`client ${client}`)
  settle()
  events.push({ type: "opened", segment: ++segment, client: "the log", room, since: 0 })
  for (let seq = 1; seq <= log.length; seq++) delivered(segment, seq)
  events.push({ type: "ended", room, head: log.length })
  return events
}
