import type { LogRecord } from "./LogRecord.ts"

const colours = { trace: 90, debug: 90, info: 32, warn: 33, error: 31, fatal: 35 } as const

/** Control characters, line and paragraph separators, and marks that turn the direction of writing: none may act on the reader's terminal. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const acting = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
export const visible = (text: string): string =>
  text.replace(acting, (char) =>
    char === "\n" ? "\\n" : `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`
  )

/** Five characters, coloured or not. */
export const levelText = (level: LogRecord["level"], coloured: boolean): string => {
  const text = level.toUpperCase().padEnd(5)
  return coloured ? `\u001b[${colours[level]}m${text}\u001b[0m` : text
}

/** One line for a person: `20:15:03 INFO  message key=value`. Whatever was logged, it stays one line. */
export const terminalLine = (
  record: LogRecord,
  options: { readonly colours: boolean; readonly stacks: boolean }
): string => {
  const time = record.date.toISOString().slice(11, 19)
  const fields = Object.entries(record.fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${visible(key)}=${visible(typeof value === "string" ? value : JSON.stringify(value))}`)
    .join("")
  const error =
    record.error === undefined || record.error.message === record.message ? "" : `: ${visible(record.error.message)}`
  const stack = options.stacks && record.error ? `\n${record.error.stack.split("\n").map(visible).join("\n")}` : ""
  const shownLevel = levelText(record.level, options.colours)
  const shownFields = options.colours && fields !== "" ? `\u001b[90m${fields}\u001b[0m` : fields
  return `${time} ${shownLevel} ${visible(record.message)}${error}${shownFields}${stack}\n`
}
