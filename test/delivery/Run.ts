import { setTimeout } from "node:timers/promises"
import { ApiClient } from "../support/ApiClient.ts"
import { Client } from "./Client.ts"
import type { WireName } from "./Client.ts"
import { LogReader } from "./LogReader.ts"
import { Recorder } from "./Recorder.ts"
import { scenario } from "./Scenario.ts"
import type { Scenario, ScenarioOptions } from "./Scenario.ts"
import { Server } from "./Server.ts"
import { Voice } from "./Voice.ts"
import { World } from "./World.ts"
import type { Started } from "../support/ServerProcess.ts"

export interface RunOptions extends ScenarioOptions {
  /** For the server; says, among others, which stores it is on. */
  readonly env?: Readonly<Record<string, string>>
  /** What starts the server, where it is not started as it is. */
  readonly around?: ReadonlyArray<string>
  /** In the names of rooms and accounts, where the stores have those of earlier runs. At most 8 letters and digits. */
  readonly tag?: string
  /** What else happens to the server, from when it is ready until the world's time is over; `directory` is the server's. Where it rejects, the run does. */
  readonly meanwhile?: (started: Started, world: World, directory: string) => Promise<void>
  /** Nobody comes back to a log's beginning: what there is to do does not grow with the log. */
  readonly steady?: boolean
  /** What clients speak, in turn. Default: the classic wire. */
  readonly wires?: ReadonlyArray<WireName>
  /** Told about four times a second. */
  readonly onProgress?: (figures: Figures) => void
}

export interface Figures {
  readonly seconds: number
  readonly deliveries: number
  readonly messages: number
  readonly acknowledged: number
  /** Sends of messages that had been sent before. */
  readonly repeats: number
  readonly reconnects: number
  readonly kills: number
  readonly stops: number
}

export interface Outcome extends Figures {
  /** Why it failed, and the last events before; empty where everything held. */
  readonly report: ReadonlyArray<string>
  /** The promise that was broken first. */
  readonly broken: string | undefined
  /** What the server stored and logged; kept where something broke. */
  readonly directory: string | undefined
}

/** The last server lives so long, however slow the starts before were. */
const leastMillis = 500
/** From the end of all acting until everybody must have everything. */
const settleWithinMillis = 30_000
const progressEveryMillis = 250
const settlePauseMillis = 150
const clientsAVoice = 2

/** One seed: a server, its clients, and the judgement. Ends early at the first broken promise; the server's directory is left then. */
export const run = async (options: RunOptions): Promise<Outcome> => {
  const plan = scenario(options)
  const stopped = Promise.withResolvers<void>()
  const recorder = new Recorder(() => {
    world.end()
    stopped.resolve()
  })
  const { habits } = plan
  const world = new World(
    recorder,
    options.steady === true ? { ...habits, resuming: { ...habits.resuming, beginning: 0 } } : habits
  )
  const server = new Server(world, options.env ?? {}, options.around)
  const began = performance.now()
  const clients: Array<Client> = []

  const figures = (): Figures => {
    const { acknowledged, deliveries, messages, sends } = recorder.counts
    return {
      seconds: (performance.now() - began) / 1000,
      deliveries,
      messages,
      acknowledged,
      repeats: sends - messages,
      reconnects: Math.max(0, world.connects - clients.length),
      kills: server.kills,
      stops: server.stops
    }
  }
  const progress = setInterval(() => options.onProgress?.(figures()), progressEveryMillis)
  try {
    await server.start()
    if (recorder.violations.length === 0) {
      const meanwhile =
        server.started === undefined ? undefined : options.meanwhile?.(server.started, world, server.directory)
      await Promise.all([drive(options, plan, world, server, clients, stopped.promise), meanwhile])
    }
    const report = recorder.report()
    const broken = recorder.violations[0]?.promised
    if (broken === undefined) await server.remove()
    else await server.kill()
    return { ...figures(), report, broken, directory: broken === undefined ? undefined : server.directory }
  } catch (cause) {
    await server.remove()
    throw cause
  } finally {
    world.end()
    clearInterval(progress)
    await Promise.all(clients.map((client) => client.terminate()))
  }
}

const drive = async (
  options: RunOptions,
  { ends, random }: Scenario,
  world: World,
  server: Server,
  clients: Array<Client>,
  stopped: Promise<void>
): Promise<void> => {
  const { tag = "", wires = ["classic"] } = options
  const rooms = Array.from({ length: options.rooms }, (_, index) => `room${tag}-${index}`)
  const api = new ApiClient(world.url)
  const reader = new LogReader(world, (await api.somebody(`reader${tag}`)).token)
  const tokens = new Map<string, string>()
  const voices = new Map<string, { readonly voice: Voice; readonly speakers: Array<Client> }>()
  for (let index = 0; index < options.clients; index++) {
    const room = rooms[index % rooms.length] ?? "lobby"
    const pair = Math.floor(index / rooms.length / clientsAVoice)
    // Every second one is a guest. An author has the same name, and the same ids, in every room.
    const name = `${pair % 2 === 0 ? "account" : "guest"}${tag}-${pair}`
    if (pair % 2 === 0 && !tokens.has(name)) tokens.set(name, (await api.somebody(name)).token)
    const key = `${room} ${name}`
    const entry = voices.get(key) ?? { voice: new Voice(name, room, tokens.get(name)), speakers: [] }
    voices.set(key, entry)
    const wire = wires[Math.floor(index / rooms.length) % wires.length]
    const client = new Client(`client ${index}`, entry.voice, entry.speakers, world, random.fork(), wire)
    entry.speakers.push(client)
    clients.push(client)
  }

  const began = performance.now()
  const chance = random.fork()
  const reading = async (): Promise<void> => {
    while (!world.over) {
      await world.pause(chance.between(100, 900))
      const room = chance.pick(rooms)
      if (room !== undefined) await reader.page(room, chance)
    }
  }
  const acting = [...clients.map((client) => client.act()), reading()]
  for (const end of ends) {
    await world.pause(end.afterMillis)
    if (world.over) break
    await server.restart(end)
  }
  await world.pause(Math.max(leastMillis, began + options.seconds * 1000 - performance.now()))
  world.end()
  await Promise.all(acting)

  let settled = false
  const staying = clients.map((client) =>
    client.stay(
      () => settled,
      () => setTimeout(settlePauseMillis)
    )
  )
  await Promise.race([stopped, settle(rooms, clients, reader, world)])
  settled = true
  await Promise.all(staying)
}

/** When everybody has the end of every log, or the time is over; then the logs are closed. */
const settle = async (
  rooms: ReadonlyArray<string>,
  clients: ReadonlyArray<Client>,
  reader: LogReader,
  { recorder }: World
): Promise<void> => {
  const latest = performance.now() + settleWithinMillis
  for (;;) {
    await setTimeout(settlePauseMillis)
    if (recorder.violations.length > 0) return
    const heads = new Map<string, number>()
    try {
      for (const room of rooms) heads.set(room, await reader.restOf(room))
    } catch (cause) {
      if (performance.now() < latest) continue
      throw cause
    }
    const waiting = clients.filter(
      ({ last, voice }) => last !== heads.get(voice.room) || voice.unacknowledged.length > 0
    )
    if (waiting.length > 0 && performance.now() < latest) continue
    for (const { name, voice } of waiting) {
      if (voice.unacknowledged.length === 0) continue
      const what = `never acknowledged ${voice.unacknowledged.length} messages of ${name}`
      recorder.record({ type: "server", what, broken: true })
    }
    for (const [room, head] of heads) recorder.record({ type: "ended", room, head })
    return
  }
}
