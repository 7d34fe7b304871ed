import { execFileSync } from "node:child_process"
import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { request } from "node:https"
import { join } from "node:path"
import { connect } from "node:tls"
import { WebSocket } from "ws"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { password } from "../support/ApiClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"

interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly text: string
}

describe("TLS on our own ports", () => {
  const server = new ServerProcess()
  const at = (name: string): string => join(server.directory, name)
  let started: Started
  const env = { ...unlimited, TLS_CERT: "./cert.pem", TLS_KEY: "./key.pem" }

  const makeCertificate = (name: string): void => {
    execFileSync(
      "openssl",
      [
        ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1".split(" "),
        ...`-subj /CN=${name} -addext subjectAltName=DNS:localhost`.split(" "),
        "-keyout",
        at(`${name}.key`),
        "-out",
        at(`${name}.crt`)
      ],
      { stdio: "ignore" }
    )
  }
  const use = (name: string): void => {
    for (const [from, to] of [
      ["crt", "cert"],
      ["key", "key"]
    ] as const) {
      writeFileSync(at(`${to}.new`), readFileSync(at(`${name}.${from}`)))
      renameSync(at(`${to}.new`), at(`${to}.pem`))
    }
  }

  beforeAll(async () => {
    for (const name of ["first", "second"]) makeCertificate(name)
    use("first")
    started = await server.up(env)
  })
  afterAll(() => server.remove())

  const port = (): number => Number(new URL(started.url).port)
  const send = (method: string, path: string, headers: Record<string, string> = {}, body?: object): Promise<Reply> =>
    new Promise((done, failed) => {
      const type = body === undefined ? {} : { "content-type": "application/json" }
      const outgoing = request(
        {
          host: "127.0.0.1",
          port: port(),
          servername: "localhost",
          method,
          path,
          rejectUnauthorized: false,
          agent: false
        },
        (incoming) => {
          let text = ""
          incoming.on("data", (chunk: Buffer) => (text += chunk.toString()))
          incoming.on("end", () => done({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }))
        }
      )
      for (const [name, value] of Object.entries({ host: `localhost:${port()}`, ...type, ...headers })) {
        outgoing.setHeader(name, value)
      }
      outgoing.on("error", failed)
      outgoing.end(body === undefined ? undefined : JSON.stringify(body))
    })
  const subject = (): Promise<string> =>
    new Promise((done, failed) => {
      const socket = connect(
        { host: "127.0.0.1", port: port(), servername: "localhost", rejectUnauthorized: false },
        () => {
          done(String(socket.getPeerCertificate().subject.CN))
          socket.destroy()
        }
      )
      socket.on("error", failed)
    })

  it("serves the page, the API and sockets, and says so when it starts", async () => {
    expect(started.url).toMatch(/^https:\/\/localhost:\d+$/)
    expect(started.socketUrl).toMatch(/^wss:\/\/localhost:\d+\/message\/v1\/send$/)
    const reply = await send("GET", "/chat")
    expect(reply.status).toBe(200)
    expect(reply.headers["strict-transport-security"]).toBe("max-age=15552000")
    const socket = new WebSocket(started.socketUrl, { rejectUnauthorized: false })
    await new Promise((done) => socket.once("open", done))
    const message = new Promise<string>((done) => socket.once("message", (data) => done(String(data))))
    socket.send(JSON.stringify({ from: "visitor", message: "by TLS", date: "" }))
    expect(JSON.parse(await message)).toMatchObject({ message: "by TLS", seq: 1 })
    socket.terminate()
  })

  it("gives the page a cookie of this host alone, which refreshes; the one without TLS's name does not", async () => {
    const page = { "x-parley-page": "1" }
    const body = { username: "somebody1", password, full_name: "Some Body" }
    expect((await send("POST", "/api/user/v1/register", {}, body)).status).toBe(201)
    const login = await send("POST", "/api/user/v1/login", page, { username: "somebody1", password })
    const [cookie = ""] = [login.headers["set-cookie"]].flat()
    const [value = "", ...attributes] = cookie.split("; ")
    expect(value).toMatch(/^__Host-parley_refresh=ey/)
    expect(attributes.filter((attribute) => !attribute.startsWith("Max-Age")).toSorted()).toEqual([
      "HttpOnly",
      "Path=/",
      "SameSite=Strict",
      "Secure"
    ])
    const refresh = (shown: string) => send("PUT", "/api/user/v1/refresh-token", { ...page, cookie: shown })
    expect((await refresh(value.replace("__Host-", ""))).status).toBe(401)
    expect((await refresh(value)).status).toBe(200)
  })

  it("reads the certificate again on SIGHUP, keeps open connections, and stays as it was where the files do not fit", async () => {
    expect(await subject()).toBe("first")
    const socket = new WebSocket(started.socketUrl, { rejectUnauthorized: false })
    await new Promise((done) => socket.once("open", done))
    use("second")
    started.child.kill("SIGHUP")
    await server.logged((line) => line.includes("the TLS certificate was read again"))
    expect(await subject()).toBe("second")
    expect(socket.readyState).toBe(WebSocket.OPEN)
    writeFileSync(at("key.pem"), readFileSync(at("first.key")))
    started.child.kill("SIGHUP")
    await server.logged((line) => line.includes("the TLS certificate stays as it was"))
    expect(await subject()).toBe("second")
    socket.terminate()
  })

  it("does not start with files that do not fit, and names the variables", async () => {
    const misfit = { ...env, TLS_KEY: "./first.key", TLS_CERT: "./second.crt", DATA_DIR: "./other" }
    const started = await server.start(misfit)
    expect(await started.exit).toEqual([1, null])
    expect(started.stderr).toMatch(/^parley: TLS_CERT, TLS_KEY: they are no certificate and its key in PEM/)
    const missing = await server.start({ ...env, TLS_KEY: "./nowhere" })
    expect(missing.stderr).toMatch(/^parley: TLS_KEY: \.\/nowhere cannot be read/)
    const half = await server.start({ ...env, TLS_KEY: "" })
    expect(half.stderr).toBe("parley: TLS_CERT, TLS_KEY: expected both, or neither\n")
  })
})
