/** Whether `*` (any text) and `?` (any sign) in the pattern fit the whole name. At most `pattern × name` steps, whatever they are. */
export const matchesPattern = (pattern: string, name: string): boolean => {
  let at = 0
  let i = 0
  /** Where to go on from once the last `*` has taken one sign more. */
  let star = -1
  let taken = 0
  while (i < name.length) {
    const sign = pattern[at]
    if (sign === "*") {
      star = at
      taken = i
      at += 1
    } else if (sign !== undefined && (sign === "?" || sign === name[i])) {
      at += 1
      i += 1
    } else if (star >= 0) {
      at = star + 1
      taken += 1
      i = taken
    } else return false
  }
  while (pattern[at] === "*") at += 1
  return at === pattern.length
}
