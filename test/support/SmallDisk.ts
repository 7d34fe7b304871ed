import { spawnSync } from "node:child_process"
import { closeSync, openSync, rmSync, writeSync } from "node:fs"
import { join } from "node:path"

const namespace = ["unshare", "--user", "--map-root-user", "--mount"]

/** Why no file system can be mounted here, or `undefined`. Where `CI` is set there is no excuse. */
export const noMount: string | undefined =
  process.env["CI"] === undefined &&
  spawnSync("unshare", [...namespace.slice(1), "sh", "-c", "mount -t tmpfs tmpfs /tmp"]).status !== 0
    ? "this user may not mount a file system in a namespace of its own (unshare)"
    : undefined

/** What a server is started by whose directory `data` lies on a disk of so many megabytes. Only that process sees the disk, and it goes with it. */
export const onSmallDisk = (megabytes: number, options = ""): ReadonlyArray<string> => [
  ...namespace,
  "sh",
  "-c",
  `mkdir -p data && mount -t tmpfs -o size=${megabytes}m,mode=700${options} tmpfs "$PWD/data" && exec "$0" "$@"`
]

/** Somebody else's file on that disk. */
export class Balloon {
  readonly #path: string

  /** Of the server `pid` that was started in `directory`. */
  constructor(pid: number, directory: string) {
    this.#path = join(`/proc/${pid}/root`, directory, "data", "balloon")
  }

  /** Takes what room there is, to the last page. */
  fill(): void {
    const file = openSync(this.#path, "w")
    try {
      for (const size of [1_048_576, 4_096]) {
        const bytes = Buffer.alloc(size)
        while (hasRoom(() => writeSync(file, bytes)));
      }
    } finally {
      closeSync(file)
    }
  }

  remove(): void {
    rmSync(this.#path, { force: true })
  }
}

const hasRoom = (write: () => number): boolean => {
  try {
    return write() > 0
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOSPC") return false
    throw error
  }
}
