import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestProject } from "vitest/node"
import { startedServers } from "./SharedServer.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** What the workers of this run share; see `SharedServer`. */
    readonly servers: { readonly directory: string; readonly runner: number }
  }
}

/** Starts nothing: the first test that needs a server does. Ends what was started. */
export default (project: TestProject): (() => void) => {
  const directory = mkdtempSync(join(tmpdir(), "parley-servers-"))
  project.provide("servers", { directory, runner: process.pid })
  return () => {
    for (const { pid } of startedServers(directory)) {
      try {
        process.kill(pid, "SIGKILL")
      } catch {
        // It has ended by itself.
      }
    }
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
  }
}
