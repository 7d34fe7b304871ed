import { availableParallelism } from "node:os"
import { join } from "node:path"
import { defineConfig } from "vitest/config"

// What V8 compiled is kept for the threads that tests start, as the server keeps its own; the workers inherit it.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "node_modules/.cache/parley/compiled")

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    allowOnly: false,
    globalSetup: "./test/servers/globalSetup.ts",
    // One more than cores: much of the time a test waits for a process or a browser.
    maxWorkers: availableParallelism() + 1,
    // The files of a worker share what they import, a fifth of the run; none of them leaves anything behind in a module.
    isolate: false,
    reporters: ["default", "./test/support/CountReporter.ts"],
    // A guard against a run that hangs, not a promise about speed: those are measured by scripts.
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
