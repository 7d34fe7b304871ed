import { parseArgs } from "node:util"
import { Progress } from "../../../bench/Progress.ts"
import { processUsage } from "../../../bench/server/ProcessUsage.ts"
import { ServerProcess, unlimited } from "../../support/ServerProcess.ts"
import { fuzzCommands } from "./CommandFuzzer.ts"
import { fuzzFrames } from "./FrameFuzzer.ts"
import { fuzzRequests } from "./RequestFuzzer.ts"

const usage = `npm run fuzz -- [options]

Sends mutated WebSocket frames, then commands of Centrifugo's protocol in both encodings, then mutated requests to every route, to a server process, while a
neighbour chats on. Ends with 1 at the first crash, command that is not answered by its rule, reply off its schema, 5xx but 503, or message that the neighbour misses.

  --only commands    one of frames, commands, requests
  --frames 1000000   (default 1000000)
  --commands 100000  (default 100000)
  --requests 10000   to each route (default 10000)
  --seed 7           says what chance does (default 1)`

const { values } = parseArgs({
  options: {
    frames: { type: "string", default: "1000000" },
    commands: { type: "string", default: "100000" },
    requests: { type: "string", default: "10000" },
    only: { type: "string" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean", default: false }
  }
})
const [frames, requests, seed] = [Number(values.frames), Number(values.requests), Number(values.seed)]
const commands = Number(values.commands)
const isAsked = (what: string): boolean => values.only === undefined || values.only === what

const fuzz = async (): Promise<void> => {
  const progress = new Progress(process.stderr)
  const server = new ServerProcess()
  try {
    const started = await server.up({ ...unlimited, SOCKETS_PER_IP: "0", LOG_LEVEL: "error" })
    const megabytes = () => `${Math.round((processUsage(started.pid)?.rssBytes ?? 0) / 1e6)} MB RSS`
    const every = (part: number) => {
      let shown = 0
      return (done: number, line: string): void => {
        if (done - shown < part) return progress.now(line)
        shown = done
        return progress.done(`${line}, ${megabytes()}`)
      }
    }
    if (isAsked("frames")) {
      const say = every(frames / 20)
      const connections = await fuzzFrames(started, {
        frames,
        seed,
        onProgress: (sent, count) => say(sent, `${sent} of ${frames} frames, ${count} connections`)
      })
      progress.done(
        `${frames} mutated frames on ${connections} connections: the server lives, its neighbour missed nothing, ${megabytes()}`
      )
    }
    if (isAsked("commands")) {
      const say = every(commands / 10)
      const figures = await fuzzCommands(started, {
        commands,
        seed,
        onProgress: (sent, count) => say(sent, `${sent} of ${commands} commands, ${count} sockets`)
      })
      for (const [what, count] of figures.outcomes) progress.done(`${what}: ${count}`)
      progress.done(
        `${figures.commands} commands in ${figures.frames} frames on ${figures.sockets} sockets: each answered by its rule, the neighbour missed nothing, ${megabytes()}`
      )
    }
    if (isAsked("requests")) {
      const statuses = await fuzzRequests(started, {
        requests,
        seed,
        onProgress: (route, sent) => progress.now(`${route}: ${sent} of ${requests}`)
      })
      for (const [what, count] of statuses) progress.done(`${what}: ${count}`)
      progress.done(`${requests} requests to each route: every reply as its document says, ${megabytes()}`)
    }
    const [code] = await started.stop()
    if (code !== 0) throw new Error(`the server ended with ${code}: ${started.stderr}`)
  } finally {
    await server.remove()
  }
}

if (values.help) console.log(usage)
else
  await fuzz().catch((cause: unknown) => {
    console.error(cause)
    process.exitCode = 1
  })
