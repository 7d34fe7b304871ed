import { readFileSync } from "node:fs"
import { parseEnv } from "node:util"
import { Cause, Effect } from "effect"
import { StartError } from "./StartError.ts"

/** The environment, and what is in `.env` where the environment does not say otherwise; an empty value says nothing. */
export const environment = Effect.try({
  try: () => readFileSync(".env", "utf8"),
  catch: (error) => error
}).pipe(
  Effect.catch((error) =>
    error instanceof Error && "code" in error && error.code === "ENOENT"
      ? Effect.succeed("")
      : Effect.fail(
          new StartError({ lines: [`.env: cannot be read (${error instanceof Error ? error.message : ""})`] })
        )
  ),
  Effect.map((text) => ({
    ...parseEnv(text),
    ...Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ""))
  }))
)

const isDebugging = (): boolean => ["debug", "trace"].includes(process.env["LOG_LEVEL"] ?? "")

/** Why the server did not start: each line says by itself what is wrong. Where it came from is for those who asked for it. */
export const startFailure = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  const message = error instanceof Error ? error.message : String(error)
  const lines = message.split("\n").map((line) => `parley: ${line}\n`)
  return `${lines.join("")}${isDebugging() ? `${Cause.pretty(cause)}\n` : ""}`
}
