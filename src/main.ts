#!/usr/bin/env -S node --max-semi-space-size=16
import { join } from "node:path"
import { answerTo } from "./CommandLine.ts"
import type { Answer } from "./CommandLine.ts"

/**
 * What V8 compiled, and Node stripped of types, is kept between starts: half the time to ready, and 40 MB less. It stands beside the
 * code, where only who may change the code may write; where nobody may, there is none.
 */
const compileCache = join(import.meta.dirname, "../node_modules/.cache/parley/compiled")

/** What `engines` in package.json says, for who runs it all the same: nothing that an older Node lacks is imported before. */
const leastNode = 24

const load = async (answer: Exclude<Answer, { readonly run: undefined }>): Promise<() => void> => {
  if (answer.run === "serve") return (await import("./Serve.ts")).serve
  if (answer.run === "migrate") return (await import("./Migrate.ts")).migrate
  const { runOperation } = await import("./Operate.ts")
  const { operation } = answer
  return () => runOperation(operation)
}

const answer = answerTo(process.argv.slice(2))
if (answer.run !== undefined && Number.parseInt(process.versions.node) < leastNode) {
  process.stderr.write(`parley: needs Node ${leastNode} or newer, and this is Node ${process.versions.node}\n`)
  process.exitCode = 1
} else if (answer.run !== undefined) {
  // Only now: whoever asks for help need not wait for the server to load.
  const { enableCompileCache, flushCompileCache } = await import("node:module")
  process.env["NODE_COMPILE_CACHE"] ??= compileCache
  enableCompileCache(process.env["NODE_COMPILE_CACHE"])
  const run = await load(answer)
  // Now, since a process that is killed writes none.
  flushCompileCache()
  run()
} else {
  process[answer.code === 0 ? "stdout" : "stderr"].write(answer.text)
  process.exitCode = answer.code
}
