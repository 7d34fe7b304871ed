import { parseArgs } from "node:util"
import { Progress } from "../../bench/Progress.ts"
import { drain } from "./Drain.ts"
import { leak } from "./Leak.ts"
import { logins } from "./Logins.ts"
import type { Scenario } from "./Measurement.ts"
import { peers } from "./Peers.ts"
import { revocations } from "./Revocations.ts"
import { storm } from "./Storm.ts"

const scenarios: ReadonlyArray<Scenario> = [drain, peers, revocations, leak, logins, storm]

const usage = `npm run reliability -- [options]

Measures what docs/reliability.md promises and no test can assert: times and memory of a server process. Ends with 1 where a promise is not kept.

  --only drain,peers   some of them, in this order (default all):
${scenarios.map(({ about, name }) => `                         ${name.padEnd(11)} ${about}`).join("\n")}
  --connects 100000    of the leak scenario (default 100000)
  --seconds 5          of each part of the storm scenario (default 5)
  --help               this`

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    connects: { type: "string", default: "100000" },
    seconds: { type: "string", default: "5" },
    help: { type: "boolean", default: false }
  }
})

const measure = async (): Promise<boolean> => {
  const progress = new Progress(process.stderr)
  const chosen = values.only?.split(",") ?? scenarios.map(({ name }) => name)
  let kept = true
  for (const name of chosen) {
    const scenario = scenarios.find((each) => each.name === name)
    if (scenario === undefined)
      throw new Error(`--only: there is no ${name}; there are ${scenarios.map((each) => each.name).join(", ")}.`)
    const options = {
      connects: Number(values.connects),
      seconds: Number(values.seconds),
      say: (text: string) => progress.now(text)
    }
    for (const row of await scenario.run(options)) {
      kept &&= row.kept
      progress.done(`${row.kept ? "kept  " : "BROKEN"}  ${row.promise} — ${row.bound}: ${row.measured}`)
    }
  }
  return kept
}

if (values.help) console.log(usage)
else
  process.exitCode = await measure().then(
    (kept) => (kept ? 0 : 1),
    (cause: unknown) => {
      console.error(cause)
      return 1
    }
  )
