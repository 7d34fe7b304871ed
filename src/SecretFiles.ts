import { readFileSync, statSync } from "node:fs"

type Environment = Readonly<Record<string, string | undefined>>

/** A secret is a line; whoever names a disk or a log is told so, and not read. */
const maxSecretBytes = 64 * 1024

export const secretFileVariable = (name: string): string => `${name}_FILE`

interface Read {
  /** The environment with the files' secrets under the secrets' own names. */
  readonly env: Environment
  /** One line for every file that is no secret's. Neither path nor content is in it: a secret set under the wrong name is a likely mistake. */
  readonly problems: ReadonlyArray<string>
  /** The secrets that came from files, so that what is wrong with them can name the variable that was set. */
  readonly fromFiles: ReadonlyArray<string>
}

const contentOf = (path: string): { readonly secret: string } | { readonly got: string } => {
  try {
    const stat = statSync(path)
    if (!stat.isFile()) return { got: "what is not a file" }
    if (stat.size > maxSecretBytes) return { got: `${stat.size} bytes` }
    const secret = readFileSync(path, "utf8").replace(/\r?\n$/, "")
    return secret === "" ? { got: "an empty file" } : { secret }
  } catch (error) {
    return { got: `one that cannot be read (${error instanceof Error && "code" in error ? String(error.code) : ""})` }
  }
}

/**
 * Lets each of the `secrets` come from a file instead: `NAME_FILE` is its path, as in the images of databases. A line break at its end is not part of the
 * secret. Both `NAME` and `NAME_FILE` are a problem, since nobody could say which one counts.
 */
export const readSecretFiles = (env: Environment, secrets: ReadonlyArray<string>): Read => {
  const read: Record<string, string> = {}
  const problems: Array<string> = []
  for (const name of secrets) {
    const variable = secretFileVariable(name)
    const path = env[variable] ?? ""
    if (path === "") continue
    if ((env[name] ?? "") !== "") {
      problems.push(`${name}, ${variable}: both are set; set one of them`)
      continue
    }
    const content = contentOf(path)
    if ("secret" in content) read[name] = content.secret
    else problems.push(`${variable}: expected a readable file of at most ${maxSecretBytes} bytes, got ${content.got}`)
  }
  return { env: { ...env, ...read }, problems, fromFiles: Object.keys(read) }
}
