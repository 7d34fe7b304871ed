import { mkdirSync, statfsSync, writeFileSync } from "node:fs"
import { cpus, release, tmpdir, totalmem } from "node:os"
import { dirname } from "node:path"
import { BenchFault } from "./BenchFault.ts"
import { readOptions } from "./Options.ts"
import type { Options } from "./Options.ts"
import { OptionsError } from "./OptionsError.ts"
import { Progress } from "./Progress.ts"
import { writeDocs } from "./report/Docs.ts"
import { machineText } from "./report/Markdown.ts"
import type { Machine } from "./report/Record.ts"
import type { Section } from "./report/Section.ts"
import { text } from "./report/Table.ts"
import { Bench } from "./Scenario.ts"
import type { Scenario } from "./Scenario.ts"
import { closed } from "./scenarios/Closed.ts"
import { connects } from "./scenarios/Connects.ts"
import { history } from "./scenarios/History.ts"
import { idle } from "./scenarios/Idle.ts"
import { open } from "./scenarios/Open.ts"
import { resume } from "./scenarios/Resume.ts"
import { rooms } from "./scenarios/Rooms.ts"
import { stalled } from "./scenarios/Stalled.ts"
import { startup } from "./scenarios/StartUp.ts"
import { watched } from "./scenarios/Watched.ts"
import { checkOpenFiles } from "./server/OpenFiles.ts"
import { wires } from "./scenarios/Wires.ts"
import { usage } from "./Usage.ts"

const scenarios: ReadonlyArray<Scenario> = [
  closed,
  open,
  rooms,
  idle,
  connects,
  startup,
  history,
  resume,
  stalled,
  watched,
  wires
]
const known = {
  scenarios: scenarios.map(({ name }) => name),
  targets: ["parley", "ws", "socketio", "http", "parley-centrifuge", "centrifuge", "centrifuge-10ms"]
}

const machine: Machine = {
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  memoryBytes: totalmem(),
  os: `${process.platform} ${release()}`,
  node: process.version
}

/** tmpfs (linux/magic.h): what is committed there costs nothing. */
const isInMemory = (directory: string): boolean =>
  process.platform === "linux" && statfsSync(directory).type === 0x01021994

/** The exit code: 1 where a scenario has no result, whatever the figures of the others. */
const main = async (): Promise<number> => {
  const options = readOptions(process.argv.slice(2), known)
  if (options === "help") {
    console.log(usage(scenarios))
    return 0
  }
  const asked = options.scenarios.flatMap((name) => scenarios.filter((scenario) => scenario.name === name))
  checkOpenFiles(Math.max(...asked.map((scenario) => scenario.sockets(options))))
  const journal = await options.journal.open(process.env)
  try {
    return await run(options, asked, new Bench(options, journal, new Progress(process.stderr)))
  } finally {
    await journal.remove()
  }
}

const run = async (options: Options, asked: ReadonlyArray<Scenario>, bench: Bench): Promise<number> => {
  const started = performance.now()
  const sections: Array<Section> = []
  let faults = 0
  for (const scenario of asked) {
    const began = performance.now()
    try {
      const section = await scenario.run(bench)
      sections.push(section)
      console.log(`\n${text(section)}\n  ${scenario.name} took ${Math.round((performance.now() - began) / 1000)} s.\n`)
    } catch (cause) {
      if (!(cause instanceof BenchFault)) throw cause
      faults++
      console.error(`\nNo result of ${scenario.name}. ${cause.message}\n`)
    }
  }
  const date = new Date().toISOString()
  const checked = sections.reduce((sum, section) => sum + section.checkedDeliveries, 0)
  const verdicts = sections.flatMap((section) => section.verdicts)
  console.log(
    `${verdicts.filter(({ passed }) => passed).length} of ${verdicts.length} bounds held, in ${Math.round((performance.now() - started) / 1000)} s.` +
      `\n${checked.toLocaleString("en-US")} deliveries checked: no gap, no duplicate, one order for all.` +
      `\nServer and generator shared this machine: ${machineText(machine)}.`
  )
  if (options.quick) console.log("A quick run: smaller loads, one turn each. It shows that it works, not how fast.")
  if (isInMemory(tmpdir())) console.log(`${tmpdir()} is in memory: set TMPDIR to a disk, or commits cost nothing.`)
  if (options.json !== undefined) {
    mkdirSync(dirname(options.json), { recursive: true })
    writeFileSync(options.json, `${JSON.stringify({ date, machine, options, sections }, null, 2)}\n`)
  }
  if (options.writeDocs) {
    const journal = options.journal.name
    await writeDocs(
      sections.map((section) => ({ date, machine, journal, section: { ...section, turns: undefined } })),
      known.scenarios
    )
  }
  return faults > 0 ? 1 : 0
}

process.once("SIGINT", () => process.exit(130))
process.once("SIGTERM", () => process.exit(143))

await main().then(
  // Handles of sockets that were reset may linger a moment; there is nothing left to wait for.
  (code) => process.exit(code),
  (cause: unknown) => {
    if (cause instanceof OptionsError) console.error(`${cause.message}\n\n${usage(scenarios)}`)
    else if (cause instanceof BenchFault) console.error(`\nNo result. ${cause.message}`)
    else console.error(cause)
    process.exit(cause instanceof OptionsError ? 2 : 1)
  }
)
