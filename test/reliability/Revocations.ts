import { ApiClient, bearer } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Scenario } from "./Measurement.ts"

const rounds = 20
const resets = 5
const inFlight = 16
const most = 1_000

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

      /** Milliseconds from when `end` began, or said that it was done, until the socket closed. */
      const closedAfter = async (token: string, end: () => Promise<number>): Promise<number> => {
        const client = await ChatClient.connect(socketUrl, { room, headers: bearer(token) })
        await client.until(() => client.frames.length > 20)
        const closed = client.closed.then(() => performance.now())
        const since = await end()
        return (await closed) - since
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
          await closedAfter(token, async () => {
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
          await closedAfter(await login(), async () => {
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
        row("Logout in a flood: from its request until the socket is closed", logouts),
        row("An operator's reset beside the server: from its end until the socket is closed", operated)
      ]
    } finally {
      await server.remove()
    }
  }
}
