const secretKey = /passw|token|secret|authorization|cookie|api[-_]?key|credential/i

/** A JSON Web Token, or whatever follows `Bearer`, wherever it stands in a text. */
const secretText = /\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*|(?<=\bBearer\s)[^\s,;"']+/gi

/** Found in every text that holds one, and quicker to look for. */
export const mayHoldSecret = /eyJ|bearer/i

const maxDepth = 6
const maxText = 16_384

/** The text without tokens; cut where it is longer than 16,384 characters. */
export const redactText = (text: string): string => {
  const shown = text.length > maxText ? `${text.slice(0, maxText)}… (cut)` : text
  return mayHoldSecret.test(shown) ? shown.replace(secretText, "[redacted]") : shown
}

/** A copy for the log: what a key names a secret is `[redacted]` at any depth, tokens in texts too. */
export const redactFields = (fields: object, depth = 0): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, secretKey.test(key) ? "[redacted]" : redact(value, depth + 1)])
  )

/** As `redactFields`, of any value: what JSON cannot hold becomes text, what is deeper than 6 is left out. */
export const redact = (value: unknown, depth = 0): unknown => {
  if (typeof value === "string") return redactText(value)
  if (typeof value === "bigint" || typeof value === "symbol") return value.toString()
  if (typeof value === "function") return "[function]"
  if (typeof value !== "object" || value === null) return value
  if (value instanceof Error) return redactText(`${value.name}: ${value.message}`)
  if (depth >= maxDepth) return "…"
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1))
  // A class may say itself how it shows: Redacted does.
  if ("toJSON" in value && typeof value.toJSON === "function") {
    const shown: unknown = value.toJSON()
    return typeof shown === "object" && shown !== null ? redactFields(shown, depth) : redact(shown, depth + 1)
  }
  return redactFields(value, depth)
}
