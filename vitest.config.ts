import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    allowOnly: false,
    reporters: ["default", "./test/support/CountReporter.ts"],
    // A guard against a run that hangs, not a promise about speed: those are measured by scripts.
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
