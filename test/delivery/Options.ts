import { parseArgs } from "node:util"
import type { WireName } from "./Client.ts"

export interface Options {
  readonly seeds: ReadonlyArray<number>
  /** For all seeds together. */
  readonly minutes: number
  readonly clients: number
  readonly rooms: number
  /** For each seed. */
  readonly kills: number
  readonly wires: ReadonlyArray<WireName>
}

/** `message` is for the person who typed. */
export class OptionsError extends Error {
  override readonly name = "OptionsError"
}

export const usage = `npm run check:delivery -- [options]

Clients connect, drop, stall, come back and send the same again, by a seeded chance, while the server is killed with SIGKILL and started
again on the same data. Everything that they see is checked: positions without a hole, one order for all, each message once, nothing lost
that anybody saw. The first broken promise ends the run with exit code 1, and says how to have it again.

  --seeds 20            so many seeds (1, 2, 3 …), or these: 3,17 (default 20)
  --seed 7              this seed alone
  --minutes 10          for all seeds together (default 10)
  --clients 24          at once (default 24)
  --rooms 4             (default 4)
  --kills 10            of the server, each seed (default 10)
  --wires classic       what clients speak, in turn: classic, centrifuge (by its JavaScript SDK), or
                        both: classic,centrifuge (default classic)
  --help                this

The stores are the embedded ones; where DB_* and MONGODB_URI (or NATS_URL) are set, those.`

/** Throws an `OptionsError` that names what is wrong. */
export const readOptions = (args: ReadonlyArray<string>): Options | "help" => {
  const { values } = parse(args)
  if (values.help) return "help"
  if (values.seed !== undefined && values.seeds !== undefined) {
    throw new OptionsError("--seed and --seeds: one of them, please.")
  }
  return {
    seeds: values.seed === undefined ? seeds(values.seeds ?? "20") : [seed("--seed", values.seed)],
    minutes: number("--minutes", values.minutes ?? "10", { least: 0.05, most: 10_000 }),
    clients: whole("--clients", values.clients ?? "24", { least: 1, most: 1_000 }),
    rooms: whole("--rooms", values.rooms ?? "4", { least: 1, most: 100 }),
    kills: whole("--kills", values.kills ?? "10", { least: 0, most: 10_000 }),
    wires: wires(values.wires ?? "classic")
  }
}

const wires = (text: string): ReadonlyArray<WireName> =>
  text.split(",").map((name) => {
    if (name === "classic" || name === "centrifuge") return name
    throw new OptionsError(`--wires: classic, centrifuge, or both with a comma between, not "${text}".`)
  })

/** How a seed is had again. */
export const replay = ({ clients, kills, rooms, wires }: Options, seed: number, seconds: number): string =>
  `npm run check:delivery -- --seed ${seed} --minutes ${Number((seconds / 60).toFixed(3))} --clients ${clients} --rooms ${rooms} --kills ${kills} --wires ${wires.join(",")}`

const parse = (args: ReadonlyArray<string>) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seeds: { type: "string" },
        seed: { type: "string" },
        minutes: { type: "string" },
        clients: { type: "string" },
        rooms: { type: "string" },
        kills: { type: "string" },
        wires: { type: "string" },
        help: { type: "boolean", short: "h", default: false }
      }
    })
  } catch (cause) {
    throw new OptionsError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

interface Range {
  readonly least: number
  readonly most: number
}

const number = (option: string, text: string, { least, most }: Range): number => {
  const value = Number(text)
  if (text.trim() !== "" && value >= least && value <= most) return value
  throw new OptionsError(`${option}: a number from ${least} to ${most}, not "${text}".`)
}

const whole = (option: string, text: string, { least, most }: Range): number => {
  const value = Number(text)
  if (text.trim() !== "" && Number.isInteger(value) && value >= least && value <= most) return value
  throw new OptionsError(`${option}: a whole number from ${least} to ${most}, not "${text}".`)
}

const seed = (option: string, text: string): number => whole(option, text, { least: 0, most: 2 ** 32 - 1 })

const seeds = (text: string): ReadonlyArray<number> =>
  text.includes(",")
    ? text.split(",").map((each) => seed("--seeds", each))
    : Array.from({ length: whole("--seeds", text, { least: 1, most: 100_000 }) }, (_, index) => index + 1)
