import { parseArgs } from "node:util"
import { OptionsError } from "./OptionsError.ts"
import { journals } from "./targets/Journals.ts"
import type { JournalChoice } from "./targets/Journals.ts"

export interface Options {
  /** Names of scenarios, in the order they are run. */
  readonly scenarios: ReadonlyArray<string>
  /** Of the closed loop. */
  readonly sockets: ReadonlyArray<number>
  /** Rounds of turns, and how many there may be while a ratio is close to its bound. */
  readonly rounds: number
  readonly most: number
  readonly seconds: number
  readonly warmUpSeconds: number
  /** Everything smaller and once: to see that it works, not how fast. */
  readonly quick: boolean
  /** Where the figures go as JSON. */
  readonly json: string | undefined
  /** Names of targets; undefined for all. */
  readonly only: ReadonlyArray<string> | undefined
  readonly journal: JournalChoice
  readonly writeDocs: boolean
}

/** Throws an `OptionsError` that names what is wrong. */
export const readOptions = (
  args: ReadonlyArray<string>,
  known: { readonly scenarios: ReadonlyArray<string>; readonly targets: ReadonlyArray<string> }
): Options | "help" => {
  const { values } = parse(args)
  if (values.help) return "help"
  const { quick } = values
  const rounds = number("--turns", values.turns ?? (quick ? "1" : "3"), { least: 1, most: 99, whole: true })
  if (values["write-docs"] && quick)
    throw new OptionsError("--write-docs: a quick run is no record; leave out --quick.")
  return {
    scenarios: names("--scenario", values.scenario, known.scenarios) ?? known.scenarios,
    sockets: (values.sockets ?? (quick ? "1000" : "100,1000,8000"))
      .split(",")
      .map((text) => number("--sockets", text, { least: 1, most: 28_000, whole: true })),
    rounds,
    most: values.turns === undefined && !quick ? 5 : rounds,
    seconds: number("--seconds", values.seconds ?? (quick ? "1" : "5"), { least: 0.5, most: 3600, whole: false }),
    warmUpSeconds: quick ? 0.4 : 2,
    quick,
    json: values.json,
    only: names("--only", values.only, known.targets),
    journal: journalOf(values.journal ?? "sqlite"),
    writeDocs: values["write-docs"]
  }
}

const parse = (args: ReadonlyArray<string>) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        scenario: { type: "string" },
        sockets: { type: "string" },
        turns: { type: "string" },
        seconds: { type: "string" },
        quick: { type: "boolean", default: false },
        only: { type: "string" },
        journal: { type: "string" },
        json: { type: "string" },
        "write-docs": { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false }
      }
    })
  } catch (cause) {
    throw new OptionsError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

const names = (
  option: string,
  text: string | undefined,
  known: ReadonlyArray<string>
): ReadonlyArray<string> | undefined => {
  const asked = text?.split(",")
  for (const name of asked ?? []) {
    if (!known.includes(name)) throw new OptionsError(`${option}: there is no ${name}; there are ${known.join(", ")}.`)
  }
  return asked
}

const journalOf = (asked: string): JournalChoice => {
  const journal = journals.find(({ name }) => name === asked)
  if (journal === undefined) {
    throw new OptionsError(`--journal: there is no ${asked}; there are ${journals.map(({ name }) => name).join(", ")}.`)
  }
  return journal
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
