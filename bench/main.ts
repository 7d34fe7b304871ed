import { mkdirSync, statfsSync, writeFileSync } from "node:fs"
import { cpus, release, tmpdir, totalmem } from "node:os"
import { dirname } from "node:path"
import { BenchFault } from "./BenchFault.ts"
import { closedLoop } from "./load/ClosedLoop.ts"
import { OptionsError, readOptions, usage } from "./Options.ts"
import type { Options } from "./Options.ts"
import { Progress } from "./Progress.ts"
import { summarize } from "./report/Summary.ts"
import type { Turn } from "./report/Summary.ts"
import { table } from "./report/Table.ts"
import { checkOpenFiles } from "./server/OpenFiles.ts"
import { ServerProcess } from "./server/ServerProcess.ts"
import type { Target } from "./Target.ts"
import { parley } from "./targets/Parley.ts"
import { plainWs } from "./targets/PlainWs.ts"
import { socketIo } from "./targets/SocketIo.ts"

const targets: ReadonlyArray<Target> = [parley, plainWs, socketIo]
const load = { senders: 8, inFlight: 16, messageBytes: 150 }

const machine = {
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  memoryBytes: totalmem(),
  os: `${process.platform} ${release()}`,
  node: process.version
}

/** All turns of all sizes. The servers take turns, each round begun by another one, so that a machine that warms up or slows down favours none. */
const run = async (options: Options, progress: Progress): Promise<ReadonlyArray<Turn>> => {
  const chosen = targets.filter(({ name }) => options.only?.includes(name) ?? true)
  const turns: Array<Turn> = []
  const total = options.sockets.length * options.turns * chosen.length
  for (const sockets of options.sockets) {
    for (let turn = 1; turn <= options.turns; turn++) {
      const first = (turn - 1) % chosen.length
      for (const target of [...chosen.slice(first), ...chosen.slice(0, first)]) {
        const title = `[${turns.length + 1}/${total}] ${sockets} sockets, turn ${turn}, ${target.label}`
        progress.now(`${title}: starting`)
        const measured = await runTurn(target, sockets, turn, options, (what) => progress.now(`${title}: ${what}`))
        turns.push(measured)
        progress.done(`${title}: ${Math.round(measured.deliveriesPerSecond).toLocaleString("en-US")} deliveries/s`)
      }
    }
  }
  return turns
}

const runTurn = async (
  target: Target,
  sockets: number,
  turn: number,
  options: Options,
  onProgress: (what: string) => void
): Promise<Turn> => {
  const server = await ServerProcess.start(target)
  try {
    const { seconds, warmUpSeconds } = options
    const result = await closedLoop(server, target.wire, { ...load, sockets, seconds, warmUpSeconds }, onProgress)
    return { target: target.name, sockets, turn, startMs: server.startMs, ...result }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new BenchFault(`${target.label}, ${sockets} sockets, turn ${turn}: ${reason}`, { cause })
  } finally {
    await server.stop()
  }
}

/** tmpfs (linux/magic.h): what is committed there costs nothing. */
const isInMemory = (directory: string): boolean =>
  process.platform === "linux" && statfsSync(directory).type === 0x01021994

const main = async (): Promise<void> => {
  const names = targets.map(({ name }) => name)
  const options = readOptions(process.argv.slice(2), names)
  if (options === "help") {
    console.log(usage)
    return
  }
  checkOpenFiles(Math.max(...options.sockets))
  const turns = await run(options, new Progress(process.stderr))
  const summary = summarize(turns, parley.name)
  const checked = turns.reduce((sum, turn) => sum + turn.checkedDeliveries, 0)
  console.log(`\n${table(summary, new Map(targets.map(({ name, label }) => [name, label])))}`)
  console.log(
    `\n${load.senders} senders with ${load.inFlight} messages of ${load.messageBytes} bytes in flight each, medians of ${options.turns} alternating turns of ${options.seconds} s; latency to sockets that do not send.` +
      `\n${checked.toLocaleString("en-US")} deliveries checked: no gap, no duplicate, one order for all.` +
      `\nServer and generator shared this machine: ${machine.cores} × ${machine.cpu}, Node ${machine.node}.`
  )
  if (isInMemory(tmpdir())) console.log(`${tmpdir()} is in memory: set TMPDIR to a disk, or commits cost nothing.`)
  if (options.json !== undefined) {
    mkdirSync(dirname(options.json), { recursive: true })
    writeFileSync(
      options.json,
      `${JSON.stringify({ date: new Date().toISOString(), machine, load, options, ...summary, turns }, null, 2)}\n`
    )
  }
}

process.once("SIGINT", () => process.exit(130))
process.once("SIGTERM", () => process.exit(143))

await main().then(
  // Handles of sockets that were reset may linger a moment; there is nothing left to wait for.
  () => process.exit(0),
  (cause: unknown) => {
    if (cause instanceof OptionsError) console.error(`${cause.message}\n\n${usage}`)
    else if (cause instanceof BenchFault) console.error(`\nNo result. ${cause.message}`)
    else console.error(cause)
    process.exit(cause instanceof OptionsError ? 2 : 1)
  }
)
