import { writeSync } from "node:fs"
import type { Reporter, SerializedError, TestModule, TestRunEndReason } from "vitest/node"

interface Counts {
  passed: number
  failed: number
  skipped: number
}

/**
 * Ends the output of a test run with `N passed, N failed, N skipped`, skipped tests with their notes above it.
 *
 * Failed counts, beside tests, everything else that makes a run red: a module or a hook that broke without a test of its own, an
 * error nobody caught, a run that was interrupted or never ended. So "0 failed" is said of green runs only.
 */
export default class CountReporter implements Reporter {
  private counts: Counts = { passed: 0, failed: 1, skipped: 0 }
  private skips: Array<string> = []

  onInit(): void {
    // At exit, and synchronously: whatever else prints at the end (coverage, warnings) stands above the line.
    process.on("exit", () => {
      const { passed, failed, skipped } = this.counts
      const notes = this.skips.map((skip) => `skipped: ${skip}\n`).join("")
      writeSync(1, `${notes}${passed} passed, ${failed} failed, ${skipped} skipped\n`)
    })
  }

  onTestRunEnd(
    modules: ReadonlyArray<TestModule>,
    unhandled: ReadonlyArray<SerializedError>,
    reason: TestRunEndReason
  ): void {
    this.skips = []
    const counts: Counts = { passed: 0, failed: unhandled.length, skipped: 0 }
    for (const module of modules) {
      let failedHere = 0
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === "passed") counts.passed++
        else if (result.state === "failed") failedHere++
        else {
          counts.skipped++
          const note = result.state === "skipped" && result.note ? ` (${result.note})` : ""
          this.skips.push(`${module.relativeModuleId} > ${test.fullName}${note}`)
        }
      }
      counts.failed += module.ok() ? failedHere : Math.max(1, failedHere)
    }
    if (reason !== "passed" && counts.failed === 0) counts.failed = 1
    this.counts = counts
  }
}
