import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"

/** What the operating system says of a process, all its threads together. */
export interface ProcessUsage {
  /** User and system time since its start. To 10 ms. */
  readonly cpuSeconds: number
  readonly rssBytes: number
}

/** From `/proc` on Linux, from `ps` on other POSIX systems, undefined elsewhere and where the process is gone. */
export const processUsage = (pid: number): ProcessUsage | undefined => {
  try {
    if (process.platform === "linux") return fromProc(pid)
    return process.platform === "win32" ? undefined : fromPs(pid)
  } catch {
    return undefined
  }
}

/** `USER_HZ` (proc(5)): 100 on every architecture that Node runs on. */
const ticksPerSecond = 100

const fromProc = (pid: number): ProcessUsage => {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
  // The second field is the program's name in brackets, and may hold spaces and brackets: count after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const status = readFileSync(`/proc/${pid}/status`, "latin1")
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    rssBytes: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024
  }
}

/** `ps` prints `[[days-]hours:]minutes:seconds[.hundredths]`. */
export const secondsOfPs = (time: string): number => {
  const [days, clock] = time.includes("-") ? time.split("-", 2) : ["0", time]
  return (clock ?? "").split(":").reduce((sum, part) => sum * 60 + Number(part), 0) + Number(days) * 86_400
}

const fromPs = (pid: number): ProcessUsage => {
  const [rss, time] = execFileSync("ps", ["-o", "rss=,time=", "-p", String(pid)], { encoding: "utf8" })
    .trim()
    .split(/\s+/)
  return { cpuSeconds: secondsOfPs(time ?? ""), rssBytes: Number(rss) * 1024 }
}
