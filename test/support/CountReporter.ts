import { readdirSync, writeSync } from "node:fs"
import { basename, join } from "node:path"
import type { Reporter, SerializedError, TestCase, TestModule, TestRunEndReason } from "vitest/node"

/** One suite a port, run on every adapter of it: `describe("Journal on sqlite")`. */
const ports = readdirSync(join(import.meta.dirname, "../contract")).map((file) => basename(file, ".ts"))

/** The port and the adapter whose contract a test is a part of. */
const contractOf = (test: TestCase): readonly [port: string, adapter: string] | undefined => {
  for (let suite = test.parent; suite.type === "suite"; suite = suite.parent) {
    const [, port = "", adapter = ""] = /^(\S+) on (.+)$/.exec(suite.name) ?? []
    if (ports.includes(port)) return [port, adapter]
  }
  return undefined
}

interface Counts {
  passed: number
  failed: number
  skipped: number
}

/**
 * Ends the output of a test run with `N passed, N failed, N skipped`; above it how many tests of each port's contract passed on each adapter, and
 * skipped tests with their notes.
 *
 * Failed counts, beside tests, everything else that makes a run red: a module or a hook that broke without a test of its own, an
 * error nobody caught, a run that was interrupted or never ended. So "0 failed" is said of green runs only.
 */
export default class CountReporter implements Reporter {
  private counts: Counts = { passed: 0, failed: 1, skipped: 0 }
  private skips: Array<string> = []
  /** Tests that passed, by port and adapter. */
  private contracts = new Map<string, Map<string, number>>()

  onInit(): void {
    // At exit, and synchronously: whatever else prints at the end (coverage, warnings) stands above the line.
    process.on("exit", () => {
      const { passed, failed, skipped } = this.counts
      const notes = this.skips.map((skip) => `skipped: ${skip}\n`).join("")
      const contracts = Array.from(this.contracts, ([port, adapters]) => {
        const counts = Array.from(adapters, ([adapter, count]) => `${count} on ${adapter}`)
        return `contract of ${port}: ${counts.toSorted().join(", ")}\n`
      })
      writeSync(1, `${contracts.toSorted().join("")}${notes}${passed} passed, ${failed} failed, ${skipped} skipped\n`)
    })
  }

  onTestRunEnd(
    modules: ReadonlyArray<TestModule>,
    unhandled: ReadonlyArray<SerializedError>,
    reason: TestRunEndReason
  ): void {
    this.skips = []
    this.contracts = new Map()
    const counts: Counts = { passed: 0, failed: unhandled.length, skipped: 0 }
    for (const module of modules) {
      let failedHere = 0
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === "passed") {
          counts.passed++
          this.countContract(test)
        } else if (result.state === "failed") failedHere++
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

  private countContract(test: TestCase): void {
    const contract = contractOf(test)
    if (contract === undefined) return
    const [port, adapter] = contract
    const adapters = this.contracts.get(port) ?? new Map<string, number>()
    this.contracts.set(port, adapters.set(adapter, (adapters.get(adapter) ?? 0) + 1))
  }
}
