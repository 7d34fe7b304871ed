import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const root = resolve(import.meta.dirname, "../..")
const bin = (name: string): string => join(root, "node_modules/.bin", name)
const packageJson = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly bundleDependencies: ReadonlyArray<string>
}

/** What the README shows for whoever embeds the server, by its name. */
const snippets = new Map(
  Array.from(
    readFileSync(join(root, "README.md"), "utf8").matchAll(/^```ts embed-(\w+)\n(.*?)^```$/gms),
    ([, name = "", code = ""]) => [name, code] as const
  )
)

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const run = async (command: string, args: ReadonlyArray<string>, cwd: string): Promise<Outcome> => {
  try {
    const { stderr, stdout } = await promisify(execFile)(command, args, { cwd, maxBuffer: 64 * 1_048_576 })
    return { code: 0, stdout, stderr }
  } catch (error) {
    return error as Outcome
  }
}

const succeed = async (command: string, args: ReadonlyArray<string>, cwd: string): Promise<string> => {
  const { code, stderr, stdout } = await run(command, args, cwd)
  expect(code, `${command} ${args.join(" ")}\n${stdout}\n${stderr}`).toBe(0)
  return stdout
}

interface Packed {
  readonly filename: string
  readonly files: ReadonlyArray<{ readonly path: string }>
}

describe("the package", () => {
  let directory: string
  let tarball: string
  let files: ReadonlyArray<string>
  /** An empty project in which the tarball is installed. */
  let project: string

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "parley-package-"))
    const answer: unknown = JSON.parse(await succeed("npm", ["pack", "--json", "--pack-destination", directory], root))
    // npm 10 and 11 give a list, later ones an object by package.
    const [packed] = Object.values(answer as Record<string, Packed>)
    tarball = join(directory, packed?.filename ?? "")
    files = packed?.files.map(({ path }) => path) ?? []
    project = join(directory, "project")
    mkdirSync(project)
    const manifest = {
      private: true,
      type: "module",
      dependencies: { parley: `file:${tarball}`, effect: packageJson.dependencies["effect"] }
    }
    writeFileSync(join(project, "package.json"), JSON.stringify(manifest))
    for (const [name, code] of snippets) writeFileSync(join(project, `${name}.ts`), code)
    await succeed("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund"], project)
  }, 300_000)

  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it("holds what runs, the page, and the patched clients, and none of the sources", () => {
    const own = files.filter((path) => !path.startsWith("node_modules/"))
    expect(own.filter((path) => !path.startsWith("dist/"))).toEqual(["LICENSE", "README.md", "package.json"])
    expect(own.filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))).toEqual([])
    expect(own).toEqual(
      expect.arrayContaining([
        "dist/index.js",
        "dist/index.d.ts",
        "dist/testing.js",
        "dist/testing.d.ts",
        "dist/main.js",
        "dist/adapters/sqlite/JournalWorker.js",
        "dist/adapters/http/page/assets/app.js",
        "dist/adapters/http/page/assets/chat.css"
      ])
    )
    for (const name of packageJson.bundleDependencies) expect(files).toContain(`node_modules/${name}/package.json`)
  })

  it("runs no script when it is installed", () => {
    const { scripts } = JSON.parse(readFileSync(join(project, "node_modules/parley/package.json"), "utf8")) as {
      readonly scripts: Readonly<Record<string, string>>
    }
    for (const hook of ["preinstall", "install", "postinstall", "prepare"]) expect(scripts).not.toHaveProperty(hook)
  })

  it("is what publint and are-the-types-wrong expect of one", async () => {
    await succeed(bin("publint"), ["--strict", tarball], root)
    await succeed(bin("attw"), ["--profile", "esm-only", tarball], root)
  })

  it("type-checks the README's programs, its own declarations included", async () => {
    expect([...snippets.keys()]).toEqual(["promise", "effect", "testing"])
    const compilerOptions = {
      target: "ES2024",
      module: "NodeNext",
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
      types: ["node"],
      typeRoots: [join(root, "node_modules/@types")]
    }
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }))
    await succeed(bin("tsc"), ["--project", project], project)
  })

  it("starts and stops a server inside a program, as the README shows it", async () => {
    const { code, stderr, stdout } = await run(process.execPath, ["promise.ts"], project)
    expect([code, stderr]).toEqual([0, ""])
    expect(stdout).toMatch(/^The page is at http:\/\/localhost:\d+, sockets go to ws:\/\/localhost:\d+\/.*$/m)
    expect(stdout).toContain("1 release-bot: Version 7 is out\n")
    expect(stdout).toContain("So far: 1\n")
  })

  it("is a layer in a program on Effect, as the README shows it", async () => {
    const stdout = await succeed(process.execPath, ["effect.ts"], project)
    expect(stdout).toMatch(/The page is at http:\/\/localhost:\d+/)
    expect(stdout).toContain("Version 7 is out")
  })

  it("is a whole chat in memory for somebody's tests, as the README shows it", async () => {
    const { code, stderr, stdout } = await run(process.execPath, ["testing.ts"], project)
    expect([code, stdout, stderr]).toEqual([0, "", ""])
  })

  it("brings a command that says its version", async () => {
    expect(await succeed("npx", ["--no-install", "parley", "--version"], project)).toBe(`${packageJson.version}\n`)
  })

  it("says on an older Node what it needs", async () => {
    const said = { code: 1, stdout: "", stderr: expect.stringMatching(/^parley: needs Node 24 or newer, and this is /) }
    const older = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } })`
    const preload = `--import=data:text/javascript,${encodeURIComponent(older)}`
    expect(await run(process.execPath, [preload, "node_modules/.bin/parley"], project)).toMatchObject(said)
    // Where the machine has one, it shows that nothing is imported before that it lacks.
    const others = (process.env["PATH"] ?? "").split(":").map((path) => join(path, "node"))
    for (const other of others) {
      const { stdout: version } = await run(other, ["--version"], project)
      if (!/^v(18|20|22)\./.test(version ?? "")) continue
      expect(await run(other, ["node_modules/.bin/parley"], project), version).toMatchObject(said)
    }
  })

  it("brings a command that serves the page and its files", async () => {
    const env = { PATH: process.env["PATH"], HOME: directory, APP_PORT: "0", APP_PORT_SOCKET: "0" }
    const child = spawn(join(project, "node_modules/.bin/parley"), {
      cwd: directory,
      env,
      stdio: ["ignore", "pipe", "inherit"]
    })
    try {
      let output = ""
      for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
        output += String(chunk)
        if (output.includes("Parley is ready")) break
      }
      const url = /Parley is ready: (\S+)/.exec(output)?.[1] ?? ""
      for (const path of ["/", "/assets/app.js", "/assets/chat.css", "/assets/preact.js", "/docs", "/readyz"]) {
        expect((await fetch(`${url}${path}`)).status, path).toBe(200)
      }
      child.stdout.resume()
      const exit = once(child, "exit")
      child.kill("SIGTERM")
      expect(await exit).toEqual([0, null])
    } finally {
      child.kill("SIGKILL")
    }
  })
})
