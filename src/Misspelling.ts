/**
 * The number of single-character changes (insert, delete, replace, swap neighbours) that lead from one text to the other
 * (optimal string alignment).
 */
const distance = (a: string, b: string): number => {
  const rows: Array<Array<number>> = [Array.from({ length: b.length + 1 }, (_, column) => column)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = a[i - 1] === b[j - 1] ? 0 : 1
      const above = rows[i - 1] ?? []
      let best = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + changed)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (rows[i - 2]?.[j - 2] ?? 0) + 1)
      }
      row.push(best)
    }
    rows.push(row)
  }
  return rows[a.length]?.[b.length] ?? 0
}

/**
 * For each name that is none of `known` but at most two changes away from one: a line that asks whether that one was meant. Names of other
 * programs are left alone: an environment holds many.
 */
export const misspellings = (names: ReadonlyArray<string>, known: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.flatMap((name) => {
    if (name.length < 6 || known.includes(name)) return []
    const meant = known.find((other) => Math.abs(other.length - name.length) <= 2 && distance(name, other) <= 2)
    return meant === undefined ? [] : [`${name} is not a variable of this server and is ignored: was ${meant} meant?`]
  })
