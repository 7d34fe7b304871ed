import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    allowOnly: false,
    globalSetup: "./test/servers/globalSetup.ts",
    // Every core: half of the time a test waits for a process or a browser.
    maxWorkers: "100%",
    reporters: ["default", "./test/support/CountReporter.ts"],
    // A guard against a run that hangs, not a promise about speed: those are measured by scripts.
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
