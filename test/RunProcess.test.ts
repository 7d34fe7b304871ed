import { spawn } from "node:child_process"
import { once } from "node:events"
import { expect, it } from "vitest"

const module = new URL("../src/RunProcess.ts", import.meta.url).href

/** A process that runs a program of its own, and says `up` when it is. */
const run = async (program: string) => {
  const child = spawn(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      `import { Effect } from "effect"
       const { runProcess } = await import(${JSON.stringify(module)})
       const say = (text) => Effect.sync(() => process.stdout.write(text + "\\n"))
       const closing = (effect) => Effect.acquireRelease(say("up"), () => effect)
       runProcess(${program}, () => "failed\\n")
       setInterval(() => {}, 1000)`
    ],
    { stdio: ["ignore", "pipe", "pipe"] }
  )
  let output = ""
  child.stderr.on("data", (chunk: Buffer) => void (output += chunk.toString()))
  const closed = once(child, "close") as Promise<[number | null, string | null]>
  const until = async (text: string): Promise<void> => {
    while (!output.includes(text)) {
      const ended = await Promise.race([once(child.stdout, "data").then(() => false), closed.then(() => true)])
      if (ended && !output.includes(text)) throw new Error(`ended without "${text}": ${output}`)
    }
  }
  child.stdout.on("data", (chunk: Buffer) => void (output += chunk.toString()))
  await until("up")
  return { child, until, exit: async () => [...(await closed), output] as const }
}

it("a signal closes the program's scope and ends with 0", async () => {
  const process = await run(`() => Effect.andThen(closing(say("closed")), Effect.never)`)
  process.child.kill("SIGTERM")
  expect(await process.exit()).toEqual([0, null, "up\nclosed\n"])
})

it("a second signal ends it at once", async () => {
  const process = await run(`() => Effect.andThen(closing(Effect.andThen(say("closing"), Effect.never)), Effect.never)`)
  process.child.kill("SIGTERM")
  await process.until("closing")
  process.child.kill("SIGTERM")
  expect(await process.exit()).toEqual([143, null, "up\nclosing\n"])
})

it.each([
  ["an exception", `setTimeout(() => { throw new Error("oops") })`],
  ["a rejection", `setTimeout(() => { Promise.reject(new Error("oops")) })`]
])("%s that nobody caught closes the scope, too, and ends with 1", async (_, fault) => {
  const process = await run(
    `(uncaught) => Effect.gen(function* () {
       yield* closing(say("closed"))
       ${fault}
       yield* uncaught.pipe(Effect.tapError((error) => say(error.message)))
     })`
  )
  expect(await process.exit()).toEqual([1, null, "up\noops\nclosed\nfailed\n"])
})
