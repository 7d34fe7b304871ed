import { Centrifuge } from "centrifuge"
import { WebSocket } from "ws"
import { ApiClient, bearer } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Scenario } from "./Measurement.ts"

const rounds = 20
const resets = 6
const inFlight = 16
const most = 1_000

/** Resolves when the socket has seen some of the flood, with when it is closed for good. */
type Join = (token: string) => Promise<{ readonly closed: Promise<unknown> }>

/** A flood, and how long the sockets of sessions live that end in it. */
export const revocations: Scenario = {
  name: "revocations",
  about: "sessions that end in a flood: how long after it their sockets are closed",
  run: async ({ say }) => {
    const server = new ServerProcess()
    try {
      const env = { ...unlimited, JWT_SECRET: "a secret of at least thirty-two bytes" }
      const started = await server.up(env)
      const { socketUrl } = started
      const api = new ApiClient(started.url)
      const { username } = await api.somebody("somebody")
      const room = "flood"
      const talker = await ChatClient.connect(socketUrl, { room, since: 0 })
      let next = 0
      const talk = () => talker.say(`message ${(next += 1)}`)
      talker.each(talk)
      for (let n = 0; n < inFlight; n++) talk()

      const onClassicWire: Join = async (token) => {
        const client = await ChatClient.connect(socketUrl, { room, headers: bearer(token) })
        await client.until(() => client.frames.length > 20)
        return client
      }
      const onCentrifugosWire: Join = async (token) => {
        const client = new Centrifuge(new URL("/connection/websocket", socketUrl).href, { websocket: WebSocket, token })
        const closed = new Promise((resolve) => client.on("disconnected", resolve))
        const subscription = client.newSubscription(room)
        let came = 0
        await new Promise<void>((resolve) => {
          subscription.on("publication", () => {
            came += 1
            if (came > 20) resolve()
          })
          subscription.subscribe()
          client.connect()
        })
        return { closed }
      }
      const wires = [onClassicWire, onCentrifugosWire]

      /** Milliseconds from when `end` began, or said that it was done, until the socket closed; on one wire and the other in turn. */
      const closedAfter = async (n: number, token: string, end: () => Promise<number>): Promise<number> => {
        const join = wires[n % wires.length] ?? onClassicWire
        const { closed } = await join(token)
        const at = closed.then(() => performance.now())
        const since = await end()
        return (await at) - since
      }

      const logouts: Array<number> = []
      let password: string | undefined
      const login = async (): Promise<string> => {
        const { json } = await api.login(username, password === undefined ? {} : { password })
        return String(json["token"])
      }
      for (let n = 0; n < rounds; n++) {
        say(`revocations: logout ${n + 1} of ${rounds}`)
        const token = await login()
        logouts.push(
          await closedAfter(n, token, async () => {
            const began = performance.now()
            await api.logout(token)
            return began
          })
        )
      }
      const operated: Array<number> = []
      for (let n = 0; n < resets; n++) {
        say(`revocations: operator's reset ${n + 1} of ${resets}`)
        operated.push(
          await closedAfter(n, await login(), async () => {
            const command = await server.start(env, ["user", "reset-password", username])
            await command.exit
            password = / is (\S{20}) {2}/.exec(command.stdout)?.[1]
            return performance.now()
          })
        )
      }
      const row = (promise: string, millis: ReadonlyArray<number>) => ({
        promise,
        bound: `at most ${most} ms`,
        measured: `${Math.round(Math.max(0, ...millis))} ms, the longest of ${millis.length}`,
        kept: Math.max(...millis) <= most
      })
      return [
        row("Logout in a flood, on both wires: from its request until the socket is closed", logouts),
        row("An operator's reset beside the server, on both wires: from its end until the socket is closed", operated)
      ]
    } finally {
      await server.remove()
    }
  }
}
