import { version } from "./Version.ts"

const help = `parley ${version}: a real-time chat server

Usage: parley            starts the server
       parley migrate    brings the stores to this release, and ends
       parley backup <directory>              copies the embedded databases there, beside a running server
       parley restore <directory>             puts such a copy into DATA_DIR, where none may be
       parley user reset-password <username>  gives the account a new password, prints it, and ends its sessions
       parley --help | --version

It is configured by environment variables, or a file .env in the working directory, as .env.example and the README show.
`

/** What an operator has done to the stores. */
export type Operation =
  | { readonly do: "backup" | "restore"; readonly directory: string }
  | { readonly do: "reset-password"; readonly username: string }

/** What the command line asks for: to run something, or to print something and exit with a code. */
export type Answer =
  | { readonly run: "serve" }
  | { readonly run: "migrate" }
  | { readonly run: "operate"; readonly operation: Operation }
  | { readonly run: undefined; readonly text: string; readonly code: number }

const print = (text: string, code: number): Answer => ({ run: undefined, text, code })

const usage = (text: string): Answer => print(`parley: usage: parley ${text} (see parley --help)\n`, 2)

const operationOf = (args: ReadonlyArray<string>): Answer | undefined => {
  const [first, second, third, ...rest] = args
  if (first === "backup" || first === "restore") {
    return second === undefined || second.startsWith("-") || third !== undefined
      ? usage(`${first} <directory>`)
      : { run: "operate", operation: { do: first, directory: second } }
  }
  if (first !== "user") return undefined
  return second !== "reset-password" || third === undefined || rest.length > 0
    ? usage("user reset-password <username>")
    : { run: "operate", operation: { do: "reset-password", username: third } }
}

export const answerTo = (args: ReadonlyArray<string>): Answer => {
  const [first, second] = args
  if (first === undefined) return { run: "serve" }
  if (first === "--help" || first === "-h") return print(help, 0)
  if (first === "--version" || first === "-v") return print(`${version}\n`, 0)
  if (first === "migrate" && second === undefined) return { run: "migrate" }
  const operation = operationOf(args)
  if (operation !== undefined) return operation
  const unknown = first === "migrate" ? (second ?? "") : first
  return print(`parley: unknown ${unknown.startsWith("-") ? "option" : "argument"} ${unknown} (see parley --help)\n`, 2)
}
