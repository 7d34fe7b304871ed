import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { join } from "node:path"
import { goProgram } from "../servers/GoProgram.ts"
import { freePort } from "../servers/OwnProcess.ts"
import { CutProxy } from "../support/CutProxy.ts"
import { subscriptionToken } from "../support/SubscriptionToken.ts"
import type { Host, Person } from "./Host.ts"
import { urlOf } from "./Host.ts"
import type { MissingSdk } from "./Sdk.ts"

const secret = "a test's secret, of no use elsewhere"

const ttlSeconds = 3600

const tokenFor = (name: string): string =>
  subscriptionToken(
    { sub: name, exp: Math.ceil(Date.now() / 1000) + ttlSeconds },
    { header: { alg: "HS256", typ: "JWT" }, secret }
  )

/** The engine's program; or why there is none. */
export const centrifugeProgram = async (): Promise<string | MissingSdk> => {
  const program = await goProgram(join(import.meta.dirname, "../../bench/peers/centrifuge"))
  if (typeof program === "string") return program
  return { missing: `no Centrifuge, ${program.missing}: install Go 1.26 or newer` }
}

/** The engine of Centrifugo, as it comes, a process of its own. */
export const startCentrifuge = async (program: string): Promise<Host> => {
  const port = await freePort()
  const child = spawn(program, [], {
    env: { PORT: String(port), TOKEN_SECRET: secret },
    stdio: ["ignore", "ignore", "inherit"]
  })
  const proxy = await CutProxy.start(port)
  while (
    !(await fetch(`http://127.0.0.1:${port}/`).then(
      ({ ok }) => ok,
      () => false
    ))
  ) {
    if (child.exitCode !== null) throw new Error("Centrifuge did not start")
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return {
    url: urlOf(proxy.port),
    directUrl: urlOf(port),
    proxy,
    person: (): Promise<Person> => {
      const name = `person-${randomUUID().slice(0, 8)}`
      const another = () => Promise.resolve(tokenFor(name))
      return Promise.resolve({ name, token: tokenFor(name), another, logOut: () => Promise.resolve() })
    },
    mend: () => {
      proxy.target = port
    },
    remove: async () => {
      await proxy.close()
      const gone = once(child, "exit")
      child.kill("SIGKILL")
      await gone
    }
  }
}
