import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const root = resolve(import.meta.dirname, "..")

/** What may not stand where, and the rule that must see it. */
const violations: ReadonlyArray<readonly [file: string, code: string, rule: string]> = [
  ["src/domain/A.ts", `export * from "../adapters/http/HttpServers.ts"`, "no-restricted-imports"],
  ["src/domain/B.ts", `export type { HttpServers } from "../adapters/http/HttpServers.ts"`, "no-restricted-imports"],
  ["src/domain/C.ts", `export const c = import("../adapters/http/HttpServers.ts")`, "no-restricted-imports"],
  ["src/domain/D.ts", `export { readFileSync } from "node:fs"`, "no-restricted-imports"],
  ["src/domain/E.ts", `export { WebSocket } from "ws"`, "no-restricted-imports"],
  ["src/domain/F.ts", `export * from "../Config.ts"`, "no-restricted-imports"],
  ["src/domain/G.ts", `export const g = async () => 1`, "no-async-await"],
  ["src/domain/H.ts", `export const h = () => { try { return 1 } finally { h() } }`, "no-try"],
  ["src/domain/I.ts", `export const i = (text: unknown) => text as string`, "consistent-type-assertions"],
  ["src/domain/J.ts", `export const j = (text?: string) => text!`, "no-non-null-assertion"],
  ["src/domain/K.ts", `export const k = (text: any): string => text`, "no-explicit-any"],
  ["src/domain/L.ts", `export const l = () => Date.now()`, "no-restricted-properties"],
  ["src/ports/A.ts", `export * from "../adapters/http/HttpServers.ts"`, "no-restricted-imports"],
  ["src/ports/B.ts", `export * from "@effect/platform-node/NodeHttpServer"`, "no-restricted-imports"],
  ["src/ports/C.ts", `export * from "../main.ts"`, "no-restricted-imports"],
  ["src/adapters/http/A.ts", `export * from "../../main.ts"`, "no-restricted-imports"],
  ["src/adapters/http/B.ts", `export * from "../../Config.ts"`, "no-restricted-imports"],
  ["src/adapters/ws/classic/A.ts", `export * from "../../../index.ts"`, "no-restricted-imports"],
  ["src/adapters/http/D.ts", `export { startTestServer } from "../../testing.ts"`, "no-restricted-imports"],
  ["src/adapters/memory/A.ts", `export type { ChatOptions } from "../../ChatLayer.ts"`, "no-restricted-imports"],
  ["src/adapters/http/page/A.ts", `export const a = import("../../../Server.ts")`, "no-restricted-imports"],
  ["src/adapters/http/C.ts", `const load = (): Promise<void> => Promise.resolve()\nload()`, "no-floating-promises"],
  ["src/domain/M.ts", `export { n } from "./N.ts"\nexport const m = 1`, "no-cycle"],
  ["src/domain/N.ts", `export { m } from "./M.ts"\nexport const n = 1`, "no-cycle"]
]

const allowed: ReadonlyArray<readonly [file: string, code: string]> = [
  [
    "src/domain/Fine.ts",
    `export { Effect } from "effect"\nexport * from "effect/Schema"\nexport * from "../ports/Fine.ts"`
  ],
  ["src/ports/Fine.ts", `export { Option } from "effect"\nexport const fine = ["a"] as const`],
  ["src/adapters/http/Fine.ts", `export * from "../../domain/Fine.ts"\nexport { readFileSync } from "node:fs"`],
  ["src/main.ts", `export * from "./adapters/http/Fine.ts"`],
  ["src/Config.ts", `export const config = 1`],
  ["src/index.ts", `export * from "./Config.ts"`],
  ["src/adapters/http/HttpServers.ts", `export interface HttpServers { readonly api: number }`]
]

describe("the layer rule domain ← ports ← adapters ← main", () => {
  let house: string
  let found: Map<string, string>

  beforeAll(() => {
    house = mkdtempSync(join(tmpdir(), "parley-layers-"))
    for (const shared of [".oxlintrc.json", "tsconfig.json", "package.json", "tools/lint"]) {
      cpSync(join(root, shared), join(house, shared), { recursive: true })
    }
    symlinkSync(join(root, "node_modules"), join(house, "node_modules"))
    for (const [file, code] of [...violations, ...allowed]) {
      mkdirSync(dirname(join(house, file)), { recursive: true })
      writeFileSync(join(house, file), `${code}\n`)
    }
    const oxlint = join(root, "node_modules/.bin/oxlint")
    const run = spawnSync(oxlint, ["--format", "unix", "src"], { cwd: house, encoding: "utf8" })
    expect(run.status, run.stderr).not.toBe(0)
    found = new Map()
    for (const line of run.stdout.split("\n")) {
      const file = line.slice(0, Math.max(0, line.indexOf(":")))
      found.set(file, `${found.get(file) ?? ""}${line}\n`)
    }
  })

  afterAll(() => rmSync(house, { recursive: true, force: true }))

  it.each(violations)("%s is refused: %s", (file, _code, rule) => {
    expect(found.get(file) ?? "nothing").toContain(`(${rule})`)
  })

  it.each(allowed)("%s is accepted", (file) => {
    expect(found.get(file)).toBeUndefined()
  })
})
