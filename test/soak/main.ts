import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Progress } from "../../bench/Progress.ts"
import { run } from "../delivery/Run.ts"
import { Plant } from "../support/Plant.ts"
import { Balloon, noMount, onSmallDisk } from "../support/SmallDisk.ts"
import type { Measured } from "../support/Plant.ts"
import { percentile } from "../reliability/Measurement.ts"
import { Probe } from "./Probe.ts"
import { Trouble } from "./Trouble.ts"

const usage = `npm run soak -- [options]

Mixed load, faults and bad clients at once, on one server process: clients that come, drop, stall and send again (the delivery checker's, which
judges all they see), mutated frames and requests, sockets that vanish or read nothing, wrong logins, a full disk. Heap after garbage collection,
handles and the p99 of a quiet room are compared: minutes 8 to 10 of 10 with minutes 2 to 4. Ends with 1 where one is more than 20 % up, or a
promise was broken.

  --minutes 10   (default 10; the parts compared are the same shares of it)
  --seed 1       says what chance does
  --help         this`

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean", default: false }
  }
})

const measureEveryMillis = 5_000
/** A garbage collection stops everybody for a moment. */
const measuringMillis = 400
const most = 1.2
/** More than ten minutes write, and little enough for memory. */
const diskMegabytes = 1_024
/** Shares of the time: minutes 2 to 4 and 8 to 10 of ten. */
const early = [0.2, 0.4] as const
const late = [0.8, 1] as const

const average = (numbers: ReadonlyArray<number>): number =>
  numbers.reduce((sum, each) => sum + each, 0) / numbers.length

const soak = async (minutes: number, seed: number): Promise<boolean> => {
  const progress = new Progress(process.stderr)
  if (noMount !== undefined) progress.done(`without a full disk: ${noMount}`)
  const directory = mkdtempSync(join(tmpdir(), "parley-soak-"))
  const plant = new Plant({ directory })
  const probe = new Probe()
  const measured: Array<Measured & { readonly at: number }> = []
  const seconds = minutes * 60
  let began = 0
  let trouble: Trouble | undefined
  let shownMinutes = 0
  try {
    const outcome = await run({
      seed,
      seconds,
      clients: 12,
      rooms: 3,
      kills: 0,
      // Else the last minutes would be compared with ones in which there was less to do.
      steady: true,
      env: plant.env,
      around: noMount === undefined ? onSmallDisk(diskMegabytes) : [],
      meanwhile: async (started, world, ofServer) => {
        began = performance.now()
        const troubled = (trouble = new Trouble(
          started,
          probe,
          noMount === undefined ? new Balloon(started.pid, ofServer) : undefined
        ))
        const troubling = async () => {
          while (!world.over) await troubled.round()
        }
        const measuring = async () => {
          while (!world.over) {
            probe.disturb(measuringMillis)
            measured.push({ at: performance.now(), ...(await plant.measure(started)) })
            await world.pause(measureEveryMillis)
          }
        }
        await Promise.all([troubling(), measuring(), probe.run(world.socketUrl, () => world.over)])
      },
      onProgress: ({ deliveries, reconnects, seconds: elapsed }) => {
        const { handles = 0, heapBytes = 0 } = measured.at(-1) ?? {}
        const line = `${Math.round(elapsed)} of ${seconds} s: ${deliveries} deliveries, ${reconnects} reconnects, ${trouble?.rounds ?? 0} rounds of trouble, heap ${(heapBytes / 1e6).toFixed(1)} MB, ${handles} handles`
        if (elapsed < (shownMinutes + 1) * 60) return progress.now(line)
        shownMinutes += 1
        return progress.done(line)
      }
    })
    progress.done(
      `${outcome.deliveries} deliveries, ${outcome.messages} messages, ${outcome.reconnects} reconnects, ${trouble?.rounds ?? 0} rounds of trouble in ${Math.round(outcome.seconds)} s`
    )
    for (const line of outcome.report) progress.done(line)
    const within = <A extends { readonly at: number }>(
      samples: ReadonlyArray<A>,
      [from, to]: readonly [number, number]
    ) => samples.filter(({ at }) => at >= began + from * seconds * 1_000 && at < began + to * seconds * 1_000)
    const compare = (what: string, unit: string, of: (share: readonly [number, number]) => number): boolean => {
      const [before, after] = [of(early), of(late)]
      const kept = after <= before * most
      progress.done(
        `${kept ? "kept  " : "BROKEN"}  ${what}: ${before.toFixed(1)}${unit}, then ${after.toFixed(1)}${unit} (× ${(after / before).toFixed(2)}, at most × ${most})`
      )
      return kept
    }
    const kept = [
      compare("heap after garbage collection", " MB", (share) =>
        average(within(measured, share).map(({ heapBytes }) => heapBytes / 1e6))
      ),
      compare("open handles", "", (share) => average(within(measured, share).map(({ handles }) => handles))),
      compare("p99 of a quiet room", " ms", (share) =>
        percentile(
          within(probe.samples, share).map(({ latency }) => latency),
          0.99
        )
      )
    ]
    progress.done(
      outcome.broken === undefined
        ? "kept    the delivery checker found nothing"
        : `BROKEN  ${outcome.broken}; the server's files are in ${outcome.directory}`
    )
    return outcome.broken === undefined && kept.every(Boolean)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

if (values.help) console.log(usage)
else
  // Sockets that were reset may linger a moment; there is nothing left to wait for.
  process.exit(
    await soak(Number(values.minutes), Number(values.seed)).then(
      (kept) => (kept ? 0 : 1),
      (cause: unknown) => {
        console.error(cause)
        return 1
      }
    )
  )
