import { spawnSync } from "node:child_process"
import { createHash, randomUUID } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import { processDriver } from "./ProcessDriver.ts"
import type { MissingSdk } from "./Sdk.ts"
import type { StartDriver } from "./SdkDriver.ts"

const source = join(import.meta.dirname, "python")
/** Outside of the repository: it outlives `npm ci`. */
const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "parley")

const how = "install Python 3.10 or newer with its module venv, and let pip reach a package index"

/** The interpreter of an environment that has what the file lists, the SDK by default, made once for each list; or why there is none. */
export const pythonWith = (requirements = join(source, "requirements.txt")): string | MissingSdk => {
  const key = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 16)
  const environment = join(cache, `python-${key}`)
  const python = join(environment, "bin", "python")
  if (existsSync(environment)) return python
  // Whole before it has its name: several workers may make one at once.
  const making = `${environment}.${randomUUID()}`
  const run = (file: string, args: ReadonlyArray<string>): string | undefined => {
    const { error, status, stderr } = spawnSync(file, args, { encoding: "utf8" })
    return status === 0 ? undefined : (error?.message ?? stderr.trim().split("\n").at(-1))
  }
  mkdirSync(cache, { recursive: true })
  const problem =
    run("python3", ["-m", "venv", making]) ??
    run(join(making, "bin", "python"), ["-m", "pip", "install", "--quiet", "--requirement", requirements])
  try {
    if (problem === undefined) renameSync(making, environment)
  } catch (cause) {
    if (!existsSync(environment)) throw cause
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
  if (problem === undefined) return python
  return { missing: `no Python packages (${problem}): ${how}` }
}

/** `centrifuge-python`, in a process of its own. */
export const pythonDriver = (): StartDriver | MissingSdk => {
  const python = pythonWith()
  return typeof python === "string" ? processDriver(python, [join(source, "driver.py")]) : python
}
