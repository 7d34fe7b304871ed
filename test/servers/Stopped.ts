import { spawnSync } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { existsSync, readFileSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"

/** Without /proc: the process, and not each of its threads. */
const isStopped = (pid: number): boolean => {
  const tasks = `/proc/${pid}/task`
  if (!existsSync(tasks))
    return spawnSync("ps", ["-o", "stat=", "-p", `${pid}`], { encoding: "utf8" }).stdout.includes("T")
  return readdirSync(tasks).every((task) => /\) [TZX] /.test(readFileSync(join(tasks, task, "stat"), "utf8")))
}

/** Stops a process (SIGSTOP); settles when every thread stands: until then an answer may still come. */
export const stopped = async (child: ChildProcess): Promise<void> => {
  const { pid } = child
  if (pid === undefined) return
  child.kill("SIGSTOP")
  while (!isStopped(pid)) await setTimeout(1)
}
