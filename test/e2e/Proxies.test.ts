import { execFileSync, spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { request } from "node:https"
import { connect } from "node:net"
import { join, resolve } from "node:path"
import { setTimeout } from "node:timers/promises"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { WebSocket } from "ws"
import { freePorts } from "../../bench/server/freePorts.ts"
import { password } from "../support/ApiClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"

const example = (name: string): string => readFileSync(resolve(import.meta.dirname, "../../deploy", name), "utf8")

/** Every example is served with other ports and certificates, and nothing else changed: what is replaced must be there. */
const replaced = (text: string, pairs: Readonly<Record<string, string>>): string => {
  let changed = text
  for (const [from, to] of Object.entries(pairs)) {
    if (!changed.includes(from)) throw new Error(`the example does not say ${from}`)
    changed = changed.replaceAll(from, to)
  }
  return changed
}

const isInstalled = (command: string, flag: string): boolean => {
  try {
    execFileSync(command, [flag], { stdio: "ignore", env: { PATH: `${process.env["PATH"]}:/usr/sbin` } })
    return true
  } catch {
    return false
  }
}

const listens = async (port: number): Promise<void> => {
  for (;;) {
    const socket = connect(port, "127.0.0.1")
    const opened = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "error").then(() => false)
    ]).catch(() => false)
    socket.destroy()
    if (opened) return
    await setTimeout(20)
  }
}

interface Proxy {
  readonly name: string
  readonly isInstalled: () => boolean
  /** Its configuration for these ports, and the command that runs it in the foreground. */
  readonly start: (
    directory: string,
    ports: Readonly<Record<"http" | "https" | "api", number>>
  ) => ReadonlyArray<string>
}

const proxies: ReadonlyArray<Proxy> = [
  {
    name: "nginx",
    isInstalled: () => isInstalled("nginx", "-v"),
    start: (directory, { api, http, https }) => {
      const site = replaced(example("nginx.conf"), {
        "listen 80;": `listen 127.0.0.1:${http};`,
        "listen 443 ssl;": `listen 127.0.0.1:${https} ssl;`,
        "server 127.0.0.1:4000;": `server 127.0.0.1:${api};`,
        "/etc/ssl/chat.example.com.pem": join(directory, "proxy.crt"),
        "/etc/ssl/chat.example.com.key": join(directory, "proxy.key")
      })
      writeFileSync(join(directory, "site.conf"), site)
      const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      const paths = temporary.map((name) => `${name}_temp_path ${join(directory, name)};`).join(" ")
      writeFileSync(
        join(directory, "nginx.conf"),
        `daemon off; master_process off; pid ${join(directory, "nginx.pid")}; error_log stderr;
         events {} http { access_log off; ${paths} include ${join(directory, "site.conf")}; }`
      )
      return ["nginx", "-p", directory, "-c", join(directory, "nginx.conf")]
    }
  },
  {
    name: "caddy",
    isInstalled: () => isInstalled("caddy", "version"),
    start: (directory, { api, http, https }) => {
      const options = `admin off\n\thttp_port ${http}\n\thttps_port ${https}\n\tdefault_bind 127.0.0.1\n\tskip_install_trust\n\tservers {`
      const file = replaced(example("Caddyfile"), {
        "\tservers {": `\t${options}`.replace("\t\t", "\t"),
        "chat.example.com {": `chat.example.com {\n\ttls ${join(directory, "proxy.crt")} ${join(directory, "proxy.key")}`,
        "reverse_proxy 127.0.0.1:4000": `reverse_proxy 127.0.0.1:${api}`
      })
      writeFileSync(join(directory, "Caddyfile"), file)
      return ["caddy", "run", "--config", join(directory, "Caddyfile"), "--adapter", "caddyfile"]
    }
  }
]

describe.each(proxies)("behind $name, set up as the example has it", (proxy) => {
  let server: ServerProcess
  let child: ChildProcess | undefined
  beforeEach((test) => {
    test.skip(
      process.env["CI"] === undefined && !proxy.isInstalled(),
      `${proxy.name} is not installed: its example cannot be tried`
    )
    server = new ServerProcess()
  })
  afterEach(async () => {
    if (child !== undefined && child.exitCode === null) {
      child.kill("SIGKILL")
      await once(child, "exit")
    }
    child = undefined
    await server?.remove()
  })

  it("the page, the API and sockets are served by TLS, cookies are this host's alone, and nobody chooses his own address", async () => {
    const [http = 0, https = 0] = await freePorts(2)
    const { url } = await server.up({
      ...unlimited,
      RATE_LIMIT_PER_MINUTE: "20",
      TRUSTED_PROXIES: "127.0.0.1",
      ALLOWED_HOSTS: "chat.example.com"
    })
    const directory = join(server.directory, "proxy")
    mkdirSync(directory)
    execFileSync(
      "openssl",
      [
        ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=chat.example.com".split(" "),
        "-keyout",
        join(directory, "proxy.key"),
        "-out",
        join(directory, "proxy.crt")
      ],
      { stdio: "ignore" }
    )
    const [command = "", ...args] = proxy.start(directory, { http, https, api: Number(new URL(url).port) })
    const env = { PATH: `${process.env["PATH"]}:/usr/sbin`, HOME: directory, XDG_DATA_HOME: directory }
    child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"], env })
    let said = ""
    child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()))
    await Promise.race([
      listens(https),
      once(child, "exit").then(() => {
        throw new Error(`${proxy.name} ended: ${said}`)
      })
    ])

    const tls = { host: "127.0.0.1", port: https, servername: "chat.example.com", rejectUnauthorized: false }
    const send = (method: string, path: string, headers: Record<string, string> = {}, body?: object | string) =>
      new Promise<{ status: number; headers: Record<string, unknown>; text: string }>((done, failed) => {
        const content = typeof body === "string" || body === undefined ? body : JSON.stringify(body)
        const type = content === undefined ? {} : { "content-type": "application/json" }
        const all = { host: "chat.example.com", ...type, ...headers }
        const outgoing = request({ ...tls, method, path, headers: all, agent: false }, (incoming) => {
          let text = ""
          incoming.on("data", (chunk: Buffer) => (text += chunk.toString()))
          incoming.on("end", () => done({ status: incoming.statusCode ?? 0, headers: { ...incoming.headers }, text }))
        })
        outgoing.on("error", failed)
        outgoing.end(content)
      })

    const page = await send("GET", "/chat")
    expect([page.status, page.headers["strict-transport-security"]]).toEqual([200, "max-age=15552000"])
    const account = { username: "somebody1", password, full_name: "Some Body" }
    expect((await send("POST", "/api/user/v1/register", {}, account)).status).toBe(201)
    const login = await send(
      "POST",
      "/api/user/v1/login",
      { "x-parley-page": "1" },
      { username: "somebody1", password }
    )
    expect(String(login.headers["set-cookie"])).toMatch(/^__Host-parley_refresh=ey.*; Secure/)
    expect((await send("POST", "/api/user/v1/login", {}, `"${"x".repeat(70 * 1024)}"`)).status).toBe(413)

    const through = {
      servername: tls.servername,
      rejectUnauthorized: false,
      headers: { host: tls.servername },
      origin: "https://chat.example.com"
    }
    const socket = new WebSocket(`wss://127.0.0.1:${https}/message/v1/send`, through)
    await new Promise((done, failed) => {
      socket.once("open", done)
      socket.once("error", failed)
    })
    const message = new Promise<string>((done) => socket.once("message", (data) => done(String(data))))
    socket.send(JSON.stringify({ from: "visitor", message: "through a proxy", date: "" }))
    expect(JSON.parse(await message)).toMatchObject({ message: "through a proxy", seq: 1 })
    socket.terminate()

    const statuses: Array<number> = []
    for (let n = 0; n < 30; n++) {
      const spoofed = { "x-forwarded-for": `203.0.113.${n}`, forwarded: `for=198.51.100.${n}` }
      statuses.push((await send("GET", "/api/message/v1/history", spoofed)).status)
    }
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(10)
    expect(readFileSync(server.logFile, "utf8")).not.toContain("unknown_proxy")
  })
})
