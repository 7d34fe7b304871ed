import type { Histogram } from "../../domain/Histogram.ts"

type Labels = Readonly<Record<string, string | number>>

const escaped = (value: string): string => value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")

const labelled = (name: string, labels: Labels): string => {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(String(value))}"`)
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`
}

const heading = (name: string, kind: "counter" | "gauge" | "histogram", help: string): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`

/** One family of the Prometheus text format 0.0.4, with a value for each set of labels. */
export const samples = (
  name: string,
  kind: "counter" | "gauge",
  help: string,
  values: Iterable<readonly [labels: Labels, value: number]>
): string => {
  let text = heading(name, kind, help)
  for (const [labels, value] of values) text += `${labelled(name, labels)} ${value}\n`
  return text
}

export const sample = (name: string, kind: "counter" | "gauge", help: string, value: number): string =>
  samples(name, kind, help, [[{}, value]])

/** Buckets hold everything up to their bound, as the format wants it. */
export const histograms = (
  name: string,
  help: string,
  values: Iterable<readonly [labels: Labels, histogram: Histogram]>
): string => {
  let text = heading(name, "histogram", help)
  for (const [labels, { bounds, counts, sum }] of values) {
    let below = 0
    for (const [i, count] of counts.entries()) {
      below += count
      text += `${labelled(`${name}_bucket`, { ...labels, le: bounds[i] ?? "+Inf" })} ${below}\n`
    }
    text += `${labelled(`${name}_sum`, labels)} ${sum}\n${labelled(`${name}_count`, labels)} ${below}\n`
  }
  return text
}

export const histogram = (name: string, help: string, value: Histogram): string => histograms(name, help, [[{}, value]])
