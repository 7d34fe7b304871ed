import parse from "parse-prometheus-text-format"

interface Family {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly metrics: ReadonlyArray<{
    readonly labels?: Readonly<Record<string, string>>
    readonly value?: string
    readonly buckets?: Readonly<Record<string, string>>
    readonly count?: string
    readonly sum?: string
  }>
}

/** By a parser that is not ours; it throws at what it cannot read. */
export const familiesOf = (text: string): ReadonlyArray<Family> => parse(text) as ReadonlyArray<Family>

/** The parser knows one histogram a family: these are read by hand, one for each set of labels. */
const bucketProblems = (samples: ReadonlyArray<string>): ReadonlyArray<string> => {
  const counts = new Map<string, Array<number>>()
  for (const line of samples) {
    const [, name, labels = "", value] = /^(\w+)_bucket\{(.*?),?le="[^"]+"\} (\S+)$/.exec(line) ?? []
    const key = `${name}_count${labels === "" ? "" : `{${labels}}`}`
    if (name !== undefined) counts.set(key, [...(counts.get(key) ?? []), Number(value)])
  }
  return Array.from(counts).flatMap(([key, values]) => {
    const rises = values.every((value, at) => value >= (values[at - 1] ?? 0))
    return rises && samples.includes(`${key} ${values.at(-1)}`) ? [] : [`${key}: buckets do not add up`]
  })
}

/** What `promtool check metrics` would complain of, and what a scrape would refuse. */
export const problemsOf = (text: string): ReadonlyArray<string> => {
  const families = familiesOf(text)
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
  const series = samples.map((line) => line.slice(0, line.lastIndexOf(" ")))
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
  return [
    ...(text.endsWith("\n") ? [] : ["the last line does not end"]),
    ...names.filter((name, at) => names.indexOf(name) !== at).map((name) => `${name}: declared twice`),
    ...series.filter((name, at) => series.indexOf(name) !== at).map((name) => `${name}: twice`),
    ...samples.filter((line) => !/ (?:-?\d[\d.e+-]*|[+-]Inf|NaN)$/.test(line)).map((line) => `no number: ${line}`),
    ...bucketProblems(samples),
    ...families.flatMap(({ help, name, type }) => [
      ...(help === "" ? [`${name}: no help`] : []),
      ...(type === "COUNTER" && !name.endsWith("_total") ? [`${name}: a counter's name ends in _total`] : []),
      ...(type === "HISTOGRAM" || !/_(bucket|count|sum)$/.test(name) ? [] : [`${name}: a histogram's suffix`]),
      ...(type === "UNTYPED" ? [`${name}: no type`] : [])
    ])
  ]
}
