/**
 * Runs the steps of the Dockerfile one by one where there is no Docker: `node tools/docker-steps.ts [repository]`. Each stage is a directory, this Node stands in for
 * the image's. In the end the server runs from the last stage's tree, as the image's user, where nothing but the volumes can be written to; the image's
 * health check asks it, and the stop signal ends it. What could not be done here is said; with `CI=true` as root nothing is left out.
 */
import assert from "node:assert/strict"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync
} from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { basename, dirname, join, resolve } from "node:path"
import { buildContext, filesAt } from "./docker/BuildContext.ts"
import { stagesOf } from "./docker/Stages.ts"
import type { Stage, Step } from "./docker/Stages.ts"

const repository = resolve(process.argv[2] ?? join(import.meta.dirname, ".."))
const say = (line: string): void => void process.stdout.write(`docker-steps: ${line}\n`)
const isRoot = process.getuid?.() === 0

const work = mkdtempSync(join(tmpdir(), "parley-docker-steps-"))
process.once("exit", () => rmSync(work, { recursive: true, force: true }))
// Whoever the server runs as must get here.
chmodSync(work, 0o755)

// A copy: the image's user need not have a way to the one of this repository.
const bin = join(work, "bin")
mkdirSync(bin)
copyFileSync(process.execPath, join(bin, "node"))
chmodSync(join(bin, "node"), 0o755)

interface Tree {
  readonly root: string
  directory: string
  env: Record<string, string>
}

const within = (tree: Tree, path: string): string =>
  path.startsWith("/") ? join(tree.root, path) : join(tree.root, tree.directory, path)

/** The image's environment, with this machine's programs behind our Node. */
const environment = (tree: Tree, home: string): Record<string, string> => ({
  PATH: `${bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
  HOME: home,
  ...tree.env
})

const copy = (sources: ReadonlyArray<readonly [from: string, to: string]>): void => {
  for (const [from, to] of sources) {
    mkdirSync(dirname(to), { recursive: true })
    cpSync(from, to, { recursive: true, verbatimSymlinks: true })
  }
}

const linkTree = (from: string, to: string): void => {
  mkdirSync(to, { recursive: true })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) linkTree(source, target)
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target)
    else linkSync(source, target)
  }
}

const context = buildContext(repository)
const trees = new Map<string, Tree>()

const steps: { readonly [K in Step["kind"]]: (tree: Tree, step: Extract<Step, { kind: K }>) => void } = {
  ENV: (tree, { variables }) => Object.assign(tree.env, variables),
  WORKDIR: (tree, { directory }) => {
    tree.directory = directory
    mkdirSync(within(tree, "."), { recursive: true })
  },
  COPY: (tree, { from, sources, to }) => {
    const target = within(tree, to)
    for (const source of sources) {
      if (from !== undefined) {
        const other = trees.get(from)
        assert.ok(other, `COPY --from=${from}: there is no such stage before`)
        // What is in a directory is copied, not the directory, as Docker does.
        // Linked, not copied: a stage that others copy from is complete.
        linkTree(within(other, source), target)
        continue
      }
      const files = filesAt(context, source)
      assert.notEqual(files.length, 0, `COPY ${source}: not in the build context`)
      copy(
        files.map((path) => [
          join(repository, path),
          path === source ? join(target, basename(path)) : join(target, path.slice(source.length + 1))
        ])
      )
    }
  },
  RUN: (tree, { command }) => {
    if (!isRoot && /\binstall\b.*-o\b/.test(command)) {
      say("  not run as it is: to give files away needs root; the directories are ours")
      command = command.replaceAll(/ -[og] \d+/g, "")
    }
    execFileSync("sh", ["-ec", command], {
      cwd: within(tree, "."),
      // Whatever npm needs here to reach its registry, and its cache.
      env: { ...process.env, ...environment(tree, process.env["HOME"] ?? work) },
      stdio: ["ignore", "ignore", "inherit"]
    })
  }
}

const build = (stage: Stage, number: number): Tree => {
  const name = stage.name ?? String(number)
  const tree: Tree = { root: join(work, name), directory: "/", env: {} }
  mkdirSync(tree.root)
  trees.set(name, tree)
  const version = process.versions.node
  say(`FROM ${stage.image}:${stage.tag} is not pulled: Node ${version} of this machine stands in`)
  assert.ok(
    stage.tag === version || stage.tag.startsWith(version.split(".").slice(0, 2).join(".")),
    `this Node is ${version}, the image's is ${stage.tag}`
  )
  for (const step of stage.steps) {
    const { kind, ...rest } = step
    say(
      `${kind} ${Object.values(rest)
        .flat()
        .map((value) => (typeof value === "string" ? value : JSON.stringify(value)))
        .join(" ")}`
    )
    const run = steps[kind] as (tree: Tree, step: Step) => void
    run(tree, step)
  }
  return tree
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  return typeof address === "object" && address ? address.port : 0
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

/** `sh -c` text that makes the tree read-only but for the volumes, for itself and its children alone. */
const readOnly = (tree: Tree, volumes: ReadonlyArray<string>): string =>
  [
    `mount --bind ${quoted(tree.root)} ${quoted(tree.root)}`,
    ...volumes.map((volume) => `mount --bind ${quoted(within(tree, volume))} ${quoted(within(tree, volume))}`),
    `mount -o remount,bind,ro ${quoted(tree.root)}`
  ].join(" && ")

const canMount = isRoot && spawnSync("unshare", ["--mount", "sh", "-c", `mount --bind ${bin} ${bin}`]).status === 0
const canSetUser = isRoot && spawnSync("setpriv", ["--version"]).status === 0

const started = performance.now()
const stages = stagesOf(readFileSync(join(repository, "Dockerfile"), "utf8"))
const image = stages.at(-1)
assert.ok(image)
const tree = stages.map(build).at(-1)
assert.ok(tree)
const [uid = "", gid = uid] = (image.user ?? "").split(":")

if (!canSetUser) say("not done: run as the image's user (needs root and setpriv)")
if (!canMount)
  say("not done: a read-only tree (needs root and mount namespaces); the tree is root's, or yours, instead")
assert.ok(process.env["CI"] !== "true" || !isRoot || (canSetUser && canMount), "CI leaves nothing out")

/** The command line that runs this command as in a container of the image. */
const inContainer = (command: ReadonlyArray<string>): ReadonlyArray<string> => {
  const asUser = canSetUser
    ? ["setpriv", "--reuid", uid, "--regid", gid, "--clear-groups", "--no-new-privs", "--bounding-set=-all", ...command]
    : command
  return canMount
    ? [
        "unshare",
        "--mount",
        "sh",
        "-ec",
        `${readOnly(tree, image.volumes)} && cd ${quoted(within(tree, "."))} && exec "$@"`,
        "sh",
        ...asUser
      ]
    : asUser
}

const secrets = join(work, "secrets")
if (canSetUser) {
  say("the secrets of docker-compose.yaml, each for its only reader")
  mkdirSync(secrets)
  execFileSync(join(bin, "node"), ["tools/compose-secrets.ts", secrets, "999", uid], {
    cwd: within(tree, "."),
    env: environment(tree, "/nonexistent"),
    stdio: "inherit"
  })
  const reads = (reader: string, file: string): boolean =>
    spawnSync("setpriv", ["--reuid", reader, "--regid", reader, "--clear-groups", "cat", join(secrets, file)])
      .status === 0
  for (const file of [
    "app/jwt-secret",
    "app/db-password",
    "mysql/password",
    "mysql/root-password",
    "kept/db-password"
  ]) {
    assert.deepEqual(
      { file, app: reads(uid, file), mysql: reads("999", file) },
      { file, app: file.startsWith("app/"), mysql: file.startsWith("mysql/") }
    )
  }
}

const port = await freePort()
const env = {
  ...environment(tree, "/nonexistent"),
  APP_PORT: String(port),
  APP_PORT_SOCKET: "0",
  ...(canSetUser ? { JWT_SECRET_FILE: join(secrets, "app", "jwt-secret") } : {})
}
const runIn = (command: ReadonlyArray<string>) => {
  const [program = "", ...args] = inContainer(command)
  return spawnSync(program, args, { cwd: within(tree, "."), env, encoding: "utf8" })
}

if (canMount || canSetUser) {
  say("nothing but the volumes can be written to")
  const writes = (path: string) => runIn(["sh", "-c", `: > ${quoted(path)}`]).status === 0
  for (const volume of image.volumes)
    assert.ok(writes(join(within(tree, volume), "probe")), `${volume} can be written to`)
  for (const path of ["probe", "src/probe", "src/main.ts", "node_modules/probe", "package.json"]) {
    assert.ok(!writes(path), `${path} cannot be written to`)
  }
}

say([...image.entrypoint, ...image.command].join(" "))
const [program = "", ...args] = inContainer([...image.entrypoint, ...image.command])
const server = spawn(program, args, { cwd: within(tree, "."), env, stdio: ["ignore", "pipe", "inherit"] })
process.once("exit", () => server.kill("SIGKILL"))
const ended = once(server, "exit")
let output = ""
await new Promise<void>((ready, failed) => {
  server.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString()
    if (output.includes("Parley is ready")) ready()
  })
  server.once("exit", (code, signal) => failed(new Error(`the server ended (${code ?? signal}) before it was ready`)))
})
if (canSetUser) {
  const status = readFileSync(`/proc/${server.pid}/status`, "utf8")
  assert.deepEqual(/^Uid:\s+(\d+)\s+(\d+)/m.exec(status)?.slice(1), [uid, uid], "the server's user")
  assert.match(status, /^CapBnd:\s+0+$/m, "the server can get no privilege")
}

say("HEALTHCHECK")
const health = runIn(image.healthcheck)
assert.equal(health.status, 0, health.stderr)
const [data] = image.volumes
assert.ok(data && existsSync(join(within(tree, data), "owner.pid")), "the data is in its volume")

say(`STOPSIGNAL ${image.stopSignal}`)
server.kill(image.stopSignal as NodeJS.Signals)
assert.deepEqual(await ended, [0, null])
assert.ok(statSync(within(tree, "logs/chat_message.log")).size > 0, "the log is in its volume")
assert.notEqual(runIn(image.healthcheck).status, 0, "a server that is gone is not healthy")

say(`all steps ran, in ${((performance.now() - started) / 1000).toFixed(0)} s`)
