import type { Json } from "effect/Schema"

/**
 * Whether two JSON values have the same content: the order of keys does not matter, nor how a number was written. What the values hold was chosen by whoever sent them, its keys, too: nothing of
 * it is called, and no key means anything here (`Equal` of Effect, and others, ask a value how it compares).
 */
export const isSameJson = (a: Json, b: Json): boolean => {
  if (a === b) return true
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false
  if (isArray(a) || isArray(b)) {
    return isArray(a) && isArray(b) && a.length === b.length && a.every((value, index) => isSame(value, b[index]))
  }
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]))
}

const isSame = (a: Json | undefined, b: Json | undefined): boolean =>
  a !== undefined && b !== undefined && isSameJson(a, b)

// As a guard of a read-only array.
const isArray = (value: Json): value is ReadonlyArray<Json> => Array.isArray(value)
