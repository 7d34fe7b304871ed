import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { SdkError } from "./SdkDriver.ts"
import type { Answer, SdkDriver, SdkEvent, StartDriver } from "./SdkDriver.ts"

/** A line that a driver prints: an event, or what became of the command `id`. */
type Line =
  | SdkEvent
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly code: number; readonly message: string }

/** An SDK in a program of its own: a command a line in (JSON, with an `id`), answers and events a line out. It ends with its standard input. */
export const processDriver =
  (file: string, args: ReadonlyArray<string>): StartDriver =>
  async (onEvent) => {
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] })
    await once(child, "spawn")
    const waiting = new Map<number, PromiseWithResolvers<Answer>>()
    let ended = false
    child.once("exit", (code, signal) => {
      ended = true
      for (const { reject } of waiting.values()) reject(new Error(`the driver ended (${signal ?? code})`))
    })
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line = JSON.parse(text) as Line
      if ("event" in line) {
        onEvent(line)
        return
      }
      const answer = waiting.get(line.id)
      waiting.delete(line.id)
      if ("answer" in line) answer?.resolve(line.answer)
      else answer?.reject(new SdkError(line.code, line.message))
    })
    let last = 0
    const driver: SdkDriver = {
      call: (command) => {
        const id = ++last
        const answer = Promise.withResolvers<Answer>()
        waiting.set(id, answer)
        child.stdin.write(`${JSON.stringify({ id, ...command })}\n`)
        return answer.promise
      },
      close: async () => {
        if (ended) return
        const gone = once(child, "exit")
        child.stdin.end()
        await gone
      }
    }
    return driver
  }
