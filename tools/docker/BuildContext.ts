import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import dockerignore from "@balena/dockerignore"

/**
 * The files that `docker build` would be given, by their paths in the repository: what `.dockerignore` lets through of the files that git knows or would
 * take. (A file that git ignores would be let through, too, if it stood in a directory that is.)
 */
export const buildContext = (repository: string): ReadonlyArray<string> => {
  const ignore = dockerignore.default().add(readFileSync(join(repository, ".dockerignore"), "utf8"))
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
    cwd: repository,
    encoding: "utf8"
  })
  return listed.split("\0").filter((path) => path !== "" && !ignore.ignores(path) && existsSync(join(repository, path)))
}

/** Those of the files that a `COPY` of this source takes: the file itself, or what is in the directory; none if it is not there. */
export const filesAt = (context: ReadonlyArray<string>, source: string): ReadonlyArray<string> =>
  context.filter((path) => path === source || path.startsWith(`${source}/`))
