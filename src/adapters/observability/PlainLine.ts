// Hot path: a line for each request, two for each connection. They are put together out of text, as the log makes them of records.
import { ecsNameOf } from "./EcsFields.ts"
import type { PlainFields } from "./CrowdLog.ts"
import { mayHoldSecret, redactText } from "./Redaction.ts"
import { visible } from "./TerminalLine.ts"

/** What is longer, or may hold a token, goes the way of all texts. */
const shownOf = (text: string): string => (text.length > 1_024 || mayHoldSecret.test(text) ? redactText(text) : text)

/** `"name":`, made once a name: names are few, and ours. */
const prefixes = new Map<string, string>()
const prefixOf = (name: string): string => {
  let prefix = prefixes.get(name)
  if (prefix === undefined) prefixes.set(name, (prefix = `,${JSON.stringify(name)}:`))
  return prefix
}

/** The members of a line in Elastic's Common Schema, each with a comma before it. `millis` becomes `event.duration`, nanoseconds. */
export const plainMembers = (fields: PlainFields): string => {
  let members = ""
  let labels = ""
  for (const name in fields) {
    const value = fields[name]
    if (value === undefined) continue
    if (name === "millis" && typeof value === "number") {
      members += `,"event.duration":${Math.round(value * 1e6)}`
      continue
    }
    const shown = typeof value === "number" ? value : JSON.stringify(shownOf(value))
    const known = ecsNameOf(name)
    if (known === undefined) labels += `${prefixOf(name)}${shown}`
    else members += `${prefixOf(known)}${shown}`
  }
  return labels === "" ? members : `${members},"labels":{${labels.slice(1)}}`
}

/** ` key=value` for each, as on the terminal. */
export const plainText = (fields: PlainFields): string => {
  let text = ""
  for (const name in fields) {
    const value = fields[name]
    if (value === undefined) continue
    text += ` ${name}=${typeof value === "number" ? value : visible(shownOf(value))}`
  }
  return text
}
