import { randomUUID } from "node:crypto"
import { BenchFault } from "./BenchFault.ts"
import type { Options } from "./Options.ts"
import type { Progress } from "./Progress.ts"
import type { Section } from "./report/Section.ts"
import { isClose } from "./report/Verdict.ts"
import { ServerProcess } from "./server/ServerProcess.ts"
import type { LaunchOptions } from "./server/ServerProcess.ts"
import type { Target } from "./Target.ts"
import type { JournalChoice, OpenJournal } from "./targets/Journals.ts"
import { parleyOn } from "./targets/Parley.ts"
import { takeTurns } from "./Turns.ts"

/** One kind of load, and what is expected of it. */
export interface Scenario {
  /** As `--scenario` names it. */
  readonly name: string
  /** For `--help`: half a line. */
  readonly about: string
  /** The most sockets that it opens at once. */
  readonly sockets: (options: Options) => number
  /** Rejects with a `BenchFault` where a figure cannot be had. */
  readonly run: (bench: Bench) => Promise<Section>
}

/** What a scenario works with. */
export class Bench {
  readonly options: Options
  readonly journal: JournalChoice
  readonly parley: Target
  readonly #progress: Progress

  constructor(options: Options, journal: OpenJournal, progress: Progress) {
    this.options = options
    this.journal = options.journal
    this.parley = parleyOn(journal)
    this.#progress = progress
  }

  /** Those of `targets` that `--only` leaves. */
  chosen(targets: ReadonlyArray<Target>): ReadonlyArray<Target> {
    return targets.filter(({ name }) => this.options.only?.includes(name) ?? true)
  }

  /** Turns of the variants until the figures are on one side of their bounds, as `sectionOf` judges them; at most five rounds, or what `--turns` says. */
  async turns<V, T>(
    variants: ReadonlyArray<V>,
    run: (variant: V, round: number) => Promise<T>,
    sectionOf: (turns: ReadonlyArray<T>) => Section,
    rounds: { readonly rounds: number; readonly most: number } = this.options
  ): Promise<ReadonlyArray<T>> {
    return takeTurns({
      variants,
      rounds: rounds.rounds,
      most: rounds.most,
      run,
      isClose: (turns) => sectionOf(turns).verdicts.some(isClose)
    })
  }

  /** Starts a server, and ends it whatever happens. `result` says on a line what the work gave. */
  async withServer<A>(
    target: Target,
    title: string,
    work: (server: ServerProcess, say: (what: string) => void) => Promise<A>,
    result: (value: A) => string,
    launch: LaunchOptions = {}
  ): Promise<A> {
    const line = `${title}, ${target.label}`
    this.#progress.now(`${line}: starting`)
    const server = await ServerProcess.start(target, launch)
    try {
      const value = await work(server, (what) => this.#progress.now(`${line}: ${what}`))
      this.#progress.done(`${line}: ${result(value)}`)
      return value
    } catch (cause) {
      throw new BenchFault(`${line}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    } finally {
      await server.stop()
    }
  }

  say(what: string): void {
    this.#progress.now(what)
  }
}

/** A room that no server has heard of, its journal included. */
export const freshRoom = (): string => `bench-${randomUUID().slice(0, 8)}`
