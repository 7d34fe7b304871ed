import { parseArgs } from "node:util"

export interface Options {
  readonly sockets: ReadonlyArray<number>
  readonly turns: number
  readonly seconds: number
  readonly warmUpSeconds: number
  /** Where the figures go as JSON. */
  readonly json: string | undefined
  /** Names of targets; undefined for all. */
  readonly only: ReadonlyArray<string> | undefined
}

/** `message` is for the person who typed. */
export class OptionsError extends Error {
  override readonly name = "OptionsError"
}

export const usage = `npm run bench -- [options]

Parley against Socket.IO and a plain ws broadcast: a closed loop of 8 senders with 16 messages of 150 bytes in flight each,
everybody in one room. Every delivery is checked: a gap, a duplicate or another order ends the run.

  --sockets 100,1000    sockets in the room, one table each (default 100,1000; quick: 1000)
  --turns 3             turns of each server, alternating; medians are reported (default 3)
  --seconds 5           the measured part of a turn (default 5; quick: 2)
  --quick               done in less than 90 seconds
  --only parley,ws      some of parley, ws, socketio
  --json FILE           every turn's figures, too
  --help                this`

/** Throws an `OptionsError` that names what is wrong. */
export const readOptions = (args: ReadonlyArray<string>, targets: ReadonlyArray<string>): Options | "help" => {
  const { values } = parse(args)
  if (values.help) return "help"
  const only = values.only?.split(",")
  for (const name of only ?? []) {
    if (!targets.includes(name)) throw new OptionsError(`--only: there is no ${name}; there are ${targets.join(", ")}.`)
  }
  return {
    sockets: (values.sockets ?? (values.quick ? "1000" : "100,1000"))
      .split(",")
      .map((text) => number("--sockets", text, { least: 1, most: 28_000, whole: true })),
    turns: number("--turns", values.turns ?? "3", { least: 1, most: 99, whole: true }),
    seconds: number("--seconds", values.seconds ?? (values.quick ? "2" : "5"), {
      least: 0.5,
      most: 3600,
      whole: false
    }),
    warmUpSeconds: values.quick ? 1 : 2,
    json: values.json,
    only
  }
}

const parse = (args: ReadonlyArray<string>) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        sockets: { type: "string" },
        turns: { type: "string" },
        seconds: { type: "string" },
        quick: { type: "boolean", default: false },
        only: { type: "string" },
        json: { type: "string" },
        help: { type: "boolean", short: "h", default: false }
      }
    })
  } catch (cause) {
    throw new OptionsError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

const number = (
  option: string,
  text: string,
  { least, most, whole }: { readonly least: number; readonly most: number; readonly whole: boolean }
): number => {
  const value = Number(text)
  if (text.trim() !== "" && value >= least && value <= most && (!whole || Number.isInteger(value))) return value
  throw new OptionsError(`${option}: ${whole ? "a whole number" : "a number"} from ${least} to ${most}, not "${text}".`)
}
