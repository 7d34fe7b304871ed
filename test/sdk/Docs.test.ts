import { execFile } from "node:child_process"
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { TestContext } from "vitest"
import { goProgram } from "../servers/GoProgram.ts"
import type { DurableHost } from "./Host.ts"
import { parleyHost } from "./ParleyHost.ts"
import { pythonWith } from "./PythonDriver.ts"
import type { MissingSdk } from "./Sdk.ts"

const root = join(import.meta.dirname, "../..")
const guide = readFileSync(join(root, "docs/clients.md"), "utf8")
/** Below `node_modules`: there an import of a package is found. */
const directory = join(root, "node_modules/.cache/parley/snippets")

const run = promisify(execFile)

/** The only example of a language, for the server at `url`. */
const example = (language: string, url: string): string => {
  const found = [...guide.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "gs"))]
  expect(found.length).toBe(1)
  const code = found[0]?.[1] ?? ""
  expect(code).toContain("ws://localhost:8080/connection/websocket")
  return code.replace("ws://localhost:8080/connection/websocket", url)
}

const skipWithout = (test: TestContext, found: string | MissingSdk): void => {
  if (typeof found !== "string" && process.env["CI"] === undefined) test.skip(found.missing)
}

describe("the guide for clients", () => {
  let host: DurableHost
  beforeAll(async () => {
    mkdirSync(directory, { recursive: true })
    host = await parleyHost()
  })
  afterAll(async () => {
    await host.remove()
    rmSync(directory, { recursive: true })
  })

  const printed = async (file: string, ...args: ReadonlyArray<string>): Promise<string> => {
    const { token } = await host.person()
    return (await run(file, args, { env: { PATH: process.env["PATH"], TOKEN: token } })).stdout
  }

  it("has an example in JavaScript that works as it stands", async () => {
    const file = join(directory, "example.mjs")
    writeFileSync(file, example("js", host.url))
    expect(await printed(process.execPath, file)).toMatch(/^\d+ person-.*: Hello from JavaScript\n$/)
  })

  it("has one in Go", async (test) => {
    const source = join(directory, "example-go")
    mkdirSync(source, { recursive: true })
    for (const file of ["go.mod", "go.sum"]) copyFileSync(join(import.meta.dirname, "go", file), join(source, file))
    // Built once a text: where the server is is no part of it.
    const code = example("go", "URL").replace('"URL"', 'os.Getenv("URL")')
    writeFileSync(join(source, "main.go"), code)
    const program = await goProgram(source)
    skipWithout(test, program)
    const { token } = await host.person()
    const { stdout } = await run(String(program), [], { env: { TOKEN: token, URL: host.url } })
    expect(stdout).toMatch(/^\d+ \{"from":"person-.*"message":"Hello from Go".*\}\n$/)
  })

  it("has one in Python", async (test) => {
    const python = pythonWith()
    skipWithout(test, python)
    const file = join(directory, "example.py")
    writeFileSync(file, example("python", host.url))
    expect(await printed(String(python), file)).toMatch(/^\d+ person-.* Hello from Python\n$/)
  })
})
