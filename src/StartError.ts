import { Data } from "effect"

/**
 * Why the server did not start, for whoever typed the command: each line says what is wrong and what to do. No stack trace belongs to it.
 */
export class StartError extends Data.TaggedError("StartError")<{
  readonly lines: ReadonlyArray<string>
}> {
  override get message(): string {
    return this.lines.join("\n")
  }
}
