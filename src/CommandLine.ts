import { readFileSync } from "node:fs"

const packageJson: { readonly version: string } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8")
)

export const version = packageJson.version

const help = `parley ${version}: a real-time chat server

Usage: parley [--help] [--version]

It is configured by environment variables, or a file .env in the working directory, as .env.example and the README show.
`

/** What the command line asks for: something to print and an exit code, or (undefined) a server. */
export const answerTo = (args: ReadonlyArray<string>): { readonly text: string; readonly code: number } | undefined => {
  const [first] = args
  if (first === undefined) return undefined
  if (first === "--help" || first === "-h") return { text: help, code: 0 }
  if (first === "--version" || first === "-v") return { text: `${version}\n`, code: 0 }
  return {
    text: `parley: unknown ${first.startsWith("-") ? "option" : "argument"} ${first} (see parley --help)\n`,
    code: 2
  }
}
