#!/usr/bin/env node
import { answerTo } from "./CommandLine.ts"

const answer = answerTo(process.argv.slice(2))
if (answer === undefined) {
  // Only now: whoever asks for help need not wait for the server to load.
  const { serve } = await import("./Serve.ts")
  serve()
} else {
  process[answer.code === 0 ? "stdout" : "stderr"].write(answer.text)
  process.exitCode = answer.code
}
