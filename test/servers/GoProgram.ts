import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from "node:fs"
import { basename, join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"

const cache = join(import.meta.dirname, "../../node_modules/.cache/parley")

/** Why there is none: a clause. */
export interface NoProgram {
  readonly missing: string
}

const findGo = (): string | undefined =>
  ["go", "/usr/local/go/bin/go"].find((go) => spawnSync(go, ["version"], { stdio: "ignore" }).status === 0)

const build = (go: string, source: string, binary: string): string | undefined => {
  const made = `${binary}.${process.pid}`
  const { status, stderr } = spawnSync(go, ["build", "-o", made, "."], { cwd: source, encoding: "utf8" })
  if (status !== 0) return stderr.trim().split("\n").at(-1) ?? "go build failed"
  renameSync(made, binary)
  return undefined
}

/** A build takes minutes at first: whoever comes second waits for it. A lock that is older than this was left behind. */
const staleLockMillis = 15 * 60_000

/** The program of a directory with a `go.mod`, built once for each version of its source. */
export const goProgram = async (source: string): Promise<string | NoProgram> => {
  const hash = createHash("sha256")
  for (const file of readdirSync(source).toSorted()) {
    if (/\.go$|^go\.(mod|sum)$/.test(file)) hash.update(readFileSync(join(source, file)))
  }
  const binary = join(cache, basename(source), hash.digest("hex").slice(0, 16))
  const lock = `${binary}.lock`
  mkdirSync(join(cache, basename(source)), { recursive: true })
  for (;;) {
    if (existsSync(binary)) return binary
    const go = findGo()
    if (go === undefined) return { missing: "there is no Go" }
    try {
      mkdirSync(lock)
    } catch {
      const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0
      if (Date.now() - since > staleLockMillis) rmSync(lock, { recursive: true, force: true })
      await pause(200)
      continue
    }
    try {
      const problem = existsSync(binary) ? undefined : build(go, source, binary)
      return problem === undefined ? binary : { missing: `it could not be built (${problem})` }
    } finally {
      rmSync(lock, { recursive: true, force: true })
    }
  }
}
