import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { inject } from "vitest"

interface StartedServer<T> {
  readonly pid: number
  readonly info: T
}

const started = ".started.json"
const failed = ".failed"

/** The servers that were started in a run's directory. */
export const startedServers = (directory: string): ReadonlyArray<StartedServer<unknown>> =>
  readdirSync(directory)
    .filter((name) => name.endsWith(started))
    .map((name) => JSON.parse(readFileSync(join(directory, name), "utf8")) as StartedServer<unknown>)

/**
 * One server for the whole test run, started by whichever worker asks first and ended with the run. `start` gets a directory of its
 * own and answers with the process (detached from the worker, which may end earlier) and what is worth knowing of it, as JSON.
 */
export const sharedServer = async <T>(
  name: string,
  start: (directory: string) => Promise<StartedServer<T>>
): Promise<T> => {
  const { directory } = inject("servers")
  const own = join(directory, name)
  const [ready, broken] = [join(directory, name + started), join(directory, name + failed)]
  if (claims(own)) {
    try {
      const server = await start(own)
      publish(ready, JSON.stringify(server))
      return server.info
    } catch (error) {
      publish(broken, String(error))
      throw error
    }
  }
  while (!existsSync(ready)) {
    if (existsSync(broken)) throw new Error(readFileSync(broken, "utf8"))
    await setTimeout(20)
  }
  return (JSON.parse(readFileSync(ready, "utf8")) as StartedServer<T>).info
}

/** True for one caller alone. */
const claims = (directory: string): boolean => {
  try {
    mkdirSync(directory)
    return true
  } catch {
    return false
  }
}

/** Nobody sees half a file. */
const publish = (file: string, text: string): void => {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}
