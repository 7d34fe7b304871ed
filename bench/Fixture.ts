import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const made = new Set<string>()
process.on("exit", () => {
  for (const directory of made) remove(directory)
})

const remove = (directory: string): void => {
  made.delete(directory)
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
}

/** What `work` gives with a directory that lives as long: servers may be started in it again and again. */
export const withDirectory = async <A>(work: (directory: string) => Promise<A>): Promise<A> => {
  const directory = mkdtempSync(join(tmpdir(), "parley-bench-"))
  made.add(directory)
  try {
    return await work(directory)
  } finally {
    remove(directory)
  }
}

/** Runs a program of `bench/fixtures` to its end, in a process of its own; gives what it printed. */
export const runFixture = (file: string, ...args: ReadonlyArray<string>): string =>
  execFileSync(process.execPath, [fileURLToPath(new URL(`fixtures/${file}`, import.meta.url)), ...args], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    stdio: ["ignore", "pipe", "inherit"]
  })
