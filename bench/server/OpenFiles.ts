import { execFileSync } from "node:child_process"
import { BenchFault } from "../BenchFault.ts"

/** What the server and the generator open beside sockets, with room to spare. */
const beside = 200

/** Throws a `BenchFault` that says what to do where `sockets` cannot be opened: the server and the generator need one file each. */
export const checkOpenFiles = (sockets: number): void => {
  const limit = openFilesLimit()
  if (sockets + beside <= limit) return
  throw new BenchFault(
    `${sockets} sockets need ${sockets + beside} open files a process, and this shell allows ${limit}. ` +
      `Run \`ulimit -n ${sockets + beside}\` first (the hard limit may have to be raised), or ask for fewer with --sockets.`
  )
}

/** A child inherits the limit, and Node has raised its own to the hard one. */
const openFilesLimit = (): number => {
  if (process.platform === "win32") return Infinity
  const limit = execFileSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }).trim()
  return limit === "unlimited" ? Infinity : Number(limit)
}
