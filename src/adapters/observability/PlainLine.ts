// Hot path: a line for each request, two for each connection. They are put together out of text, as the log makes them of records.
import { ecsNameOf } from "./EcsFields.ts"
import type { PlainFields } from "./CrowdLog.ts"
import { mayHoldSecret, redactText } from "./Redaction.ts"
import { visible } from "./TerminalLine.ts"

/** What is longer, or may hold a token, goes the way of all texts. */
const shownOf = (text: string): string => (text.length > 1_024 || mayHoldSecret.test(text) ? redactText(text) : text)

/** Stands in JSON and on a terminal as it is. */
const harmless = /^[A-Za-z0-9 _.:/,@()&=?+-]*$/

/** How a field is written, made once a name: names are few, and ours. */
interface Name {
  /** `,"name":` */
  readonly member: string
  /** Under `labels`: the schema has no field for it. */
  readonly isLabel: boolean
  /** ` name=` */
  readonly text: string
  /** Milliseconds, which become `event.duration`, nanoseconds. */
  readonly isMillis: boolean
}

const names = new Map<string, Name>()
const nameOf = (name: string): Name => {
  const known = names.get(name)
  if (known !== undefined) return known
  const isMillis = name === "millis"
  const field = isMillis ? "event.duration" : ecsNameOf(name)
  const made = {
    member: `,${JSON.stringify(field ?? name)}:`,
    isLabel: field === undefined,
    text: ` ${name}=`,
    isMillis
  }
  names.set(name, made)
  return made
}

/** The two lines of the same fields, but for what all lines have. */
export interface PlainLine {
  /** In Elastic's Common Schema: the members, each with a comma before it. */
  readonly members: string
  /** As on the terminal: ` key=value` for each. */
  readonly text: string
}

export const plainLine = (fields: PlainFields): PlainLine => {
  let members = ""
  let labels = ""
  let text = ""
  for (const name in fields) {
    const value = fields[name]
    if (value === undefined) continue
    const { isLabel, isMillis, member, text: before } = nameOf(name)
    let json: string
    if (typeof value === "number") {
      json = isMillis ? `${Math.round(value * 1e6)}` : `${value}`
      text += `${before}${value}`
    } else {
      const shown = shownOf(value)
      const isHarmless = harmless.test(shown)
      json = isHarmless ? `"${shown}"` : JSON.stringify(shown)
      text += isHarmless ? `${before}${shown}` : `${before}${visible(shown)}`
    }
    if (isLabel) labels += `${member}${json}`
    else members += `${member}${json}`
  }
  return { members: labels === "" ? members : `${members},"labels":{${labels.slice(1)}}`, text }
}
