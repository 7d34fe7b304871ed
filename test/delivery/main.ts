import { randomBytes } from "node:crypto"
import { Progress } from "../../bench/Progress.ts"
import { OptionsError, readOptions, replay, usage } from "./Options.ts"
import type { Options } from "./Options.ts"
import { run } from "./Run.ts"
import type { Figures } from "./Run.ts"

/** A seed gets at least so much of the time, however many went over theirs. */
const leastSeconds = 3

const storeVariables = ["DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME", "MONGODB_URI", "NATS_URL"]

/** The stores that the environment names; none are the embedded ones. */
const stores = (): Record<string, string> | undefined => {
  const set = storeVariables.flatMap((name) => {
    const value = process.env[name]
    return value === undefined || value === "" ? [] : [[name, value] as const]
  })
  if (set.length === 0) return undefined
  return { JWT_SECRET: process.env["JWT_SECRET"] ?? randomBytes(32).toString("hex"), ...Object.fromEntries(set) }
}

const count = (value: number): string => value.toLocaleString("en-US")

const inWords = (figures: Figures): string =>
  `${count(figures.deliveries)} deliveries, ${count(figures.messages)} messages, ${count(figures.acknowledged)} acknowledged, ` +
  `${count(figures.repeats)} sent again, ${count(figures.reconnects)} reconnects, ${figures.kills} kills, ${figures.stops} stops, ${figures.seconds.toFixed(1)} s`

const sum = (left: Figures, right: Figures): Figures => ({
  seconds: left.seconds + right.seconds,
  deliveries: left.deliveries + right.deliveries,
  messages: left.messages + right.messages,
  acknowledged: left.acknowledged + right.acknowledged,
  repeats: left.repeats + right.repeats,
  reconnects: left.reconnects + right.reconnects,
  kills: left.kills + right.kills,
  stops: left.stops + right.stops
})

const nothing: Figures = {
  seconds: 0,
  deliveries: 0,
  messages: 0,
  acknowledged: 0,
  repeats: 0,
  reconnects: 0,
  kills: 0,
  stops: 0
}

/** Whether every promise was kept. */
const check = async (options: Options): Promise<boolean> => {
  const progress = new Progress(process.stderr)
  const env = stores()
  const latest = performance.now() + options.minutes * 60_000
  let total = nothing
  for (const [index, seed] of options.seeds.entries()) {
    const left = (latest - performance.now()) / 1000
    const seconds = Math.max(leastSeconds, left / (options.seeds.length - index))
    const title = `[${index + 1}/${options.seeds.length}] seed ${seed}:`
    const outcome = await run({
      seed,
      seconds,
      clients: options.clients,
      rooms: options.rooms,
      kills: options.kills,
      wires: options.wires,
      ...(env === undefined ? {} : { env, tag: Date.now().toString(36) }),
      onProgress: ({ deliveries, kills, reconnects, seconds }) =>
        progress.now(
          `${title} ${Math.round(seconds)} s, ${count(deliveries)} deliveries (${count(total.deliveries + deliveries)} in all), ${reconnects} reconnects, ${kills} kills`
        )
    })
    total = sum(total, outcome)
    progress.done(`${title} ${inWords(outcome)}`)
    if (outcome.broken === undefined) continue
    console.error(`\nSeed ${seed} broke a promise.\n${outcome.report.join("\n")}`)
    console.error(`What the server stored and logged is in ${outcome.directory}`)
    console.error(`The same scenario again (how it interleaves is the machine's): ${replay(options, seed, seconds)}`)
    return false
  }
  console.log(`\nEvery promise was kept, over ${options.seeds.length} seeds (${ranges(options.seeds)}):`)
  console.log(`${inWords(total)}.`)
  console.log("No hole, no duplicate, one order for all, nothing lost that was acknowledged or seen.")
  return true
}

const ranges = (seeds: ReadonlyArray<number>): string => {
  const isRange = seeds.length > 2 && seeds.every((seed, index) => seed === (seeds[0] ?? 0) + index)
  return isRange ? `${seeds[0]}–${seeds.at(-1)}` : seeds.join(", ")
}

process.once("SIGINT", () => process.exit(130))
process.once("SIGTERM", () => process.exit(143))

try {
  const options = readOptions(process.argv.slice(2))
  if (options === "help") console.log(usage)
  else process.exitCode = (await check(options)) ? 0 : 1
} catch (cause) {
  if (cause instanceof OptionsError) console.error(`${cause.message}\n\n${usage}`)
  else console.error(cause)
  process.exit(cause instanceof OptionsError ? 2 : 1)
}
