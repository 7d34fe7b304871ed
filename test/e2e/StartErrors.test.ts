import { once } from "node:events"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, expect, it } from "vitest"
import { freePort } from "../servers/OwnProcess.ts"
import { ServerProcess } from "../support/ServerProcess.ts"
import { onDatabases } from "../support/Stores.ts"

type Env = Readonly<Record<string, string>>

await onDatabases("a start on databases that cannot be used", (stores) => {
  const server = new ServerProcess(stores)
  /** Takes connections and says nothing. */
  const silent = createServer()
  let free: string
  let silentPort: string
  beforeAll(async () => {
    free = String(await freePort())
    silent.listen(0, "127.0.0.1")
    await once(silent, "listening")
    silentPort = String((silent.address() as AddressInfo).port)
  })
  afterAll(async () => {
    silent.close()
    await server.remove()
  })

  const secret = "hunter2-hunter2"
  const cases: ReadonlyArray<readonly [what: string, wrong: () => Env, line: RegExp]> = [
    ["a port where nobody listens", () => ({ DB_PORT: free }), /^DB_HOST, DB_PORT: .*refuses connections/],
    ["a host that does not exist", () => ({ DB_HOST: "db.invalid" }), /^DB_HOST: no host "db\.invalid"/],
    ["a MySQL that never answers", () => ({ DB_PORT: silentPort }), /^DB_HOST, DB_PORT: no MySQL answers at/],
    ["a wrong password", () => ({ DB_PASSWORD: secret }), /^DB_USER, DB_PASSWORD: .*does not let/],
    ["a database that does not exist", () => ({ DB_NAME: "no_such_database" }), /^DB_NAME: there is no database/],
    ["half a configuration", () => ({ MONGODB_URI: "" }), /^MONGODB_URI: missing, while DB_HOST, DB_USER, DB_NAME/],
    ["a URI of something else", () => ({ MONGODB_URI: `http://user:${secret}@localhost` }), /^MONGODB_URI: expected/],
    [
      "a URI that the driver does not take",
      () => ({ MONGODB_URI: `mongodb://user:${secret}@localhost/?nonsense=1` }),
      /^MONGODB_URI: expected/
    ],
    [
      "a MongoDB where nobody listens",
      () => ({ MONGODB_URI: `mongodb://user:${secret}@127.0.0.1:${free}` }),
      /^MONGODB_URI: no server could be reached within 5 s/
    ],
    [
      "a MongoDB that never answers",
      () => ({ MONGODB_URI: `mongodb://user:${secret}@127.0.0.1:${silentPort}` }),
      /^MONGODB_URI: no (server|answer)/
    ]
  ]

  it.each(cases)(
    "%s: ends with 1 and one line that names the variable, and no secret in it",
    async (_, wrong, line) => {
      const started = await server.start(wrong())
      expect(await started.exit).toEqual([1, null])
      const [said = "", ...others] = started.stderr.trimEnd().split("\n")
      expect(others).toEqual([])
      expect(said.replace(/^parley: /, "")).toMatch(line)
      const { env } = await server.stores
      for (const hidden of [secret, env["JWT_SECRET"] ?? "", env["DB_PASSWORD"] || secret]) {
        expect(`${started.stdout}${started.stderr}`).not.toContain(hidden)
      }
    }
  )
})
