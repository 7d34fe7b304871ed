import { readFileSync } from "node:fs"

const packageJson: { readonly version: string } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8")
)

export const version = packageJson.version

const help = `parley ${version}: a real-time chat server

Usage: parley            starts the server
       parley migrate    brings the stores to this release, and ends
       parley --help | --version

It is configured by environment variables, or a file .env in the working directory, as .env.example and the README show.
`

/** What the command line asks for: to run something, or to print something and exit with a code. */
export type Answer =
  | { readonly run: "serve" | "migrate" }
  | { readonly run: undefined; readonly text: string; readonly code: number }

const print = (text: string, code: number): Answer => ({ run: undefined, text, code })

export const answerTo = (args: ReadonlyArray<string>): Answer => {
  const [first, second] = args
  if (first === undefined) return { run: "serve" }
  if (first === "--help" || first === "-h") return print(help, 0)
  if (first === "--version" || first === "-v") return print(`${version}\n`, 0)
  if (first === "migrate" && second === undefined) return { run: "migrate" }
  const unknown = first === "migrate" ? (second ?? "") : first
  return print(`parley: unknown ${unknown.startsWith("-") ? "option" : "argument"} ${unknown} (see parley --help)\n`, 2)
}
