import { Effect, Schema } from "effect"
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"

/** A file of the page could not be read: the package is not whole. */
export class AssetMissing extends Schema.TaggedError<AssetMissing>()("AssetMissing", {
  name: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `The page's file ${this.name} cannot be read: install the package again`
  }
}

export type PageName = "chat" | "monitor"

export interface Asset {
  /** What follows `/assets/` in its address. */
  readonly name: string
  /** The pages that load this module at once. */
  readonly modulesOf: ReadonlyArray<PageName>
  readonly contentType: string
  readonly body: Uint8Array
  /** A strong validator (RFC 9110, 8.8.3), quotes included. */
  readonly etag: string
}

const script = "text/javascript; charset=utf-8"
const style = "text/css; charset=utf-8"

/** The pages' own files, beside this one, in `src` as in the published package. What both pages share comes first. */
const own: ReadonlyArray<readonly [name: string, contentType: string, ...modulesOf: ReadonlyArray<PageName>]> = [
  ["icon.svg", "image/svg+xml"],
  ["tokens.css", style],
  ["base.css", style],
  ["theme.js", script],
  ["account-dialog.js", script, "chat"],
  ["address.js", script, "chat"],
  ["answers.js", script, "chat"],
  ["api.js", script, "chat"],
  ["app.js", script, "chat"],
  ["backoff.js", script, "chat", "monitor"],
  ["chat.js", script, "chat"],
  ["close-code.js", script, "chat"],
  ["composer.js", script, "chat"],
  ["connection.js", script, "chat"],
  ["frames.js", script, "chat"],
  ["header.js", script, "chat"],
  ["room-log.js", script, "chat"],
  ["session.js", script, "chat"],
  ["timeline.js", script, "chat"],
  ["page.css", style],
  ["monitor/monitor.css", style],
  ["monitor/monitor.js", script, "monitor"],
  ["monitor/cards.js", script, "monitor"],
  ["monitor/chart.js", script, "monitor"],
  ["monitor/format.js", script, "monitor"],
  ["monitor/palette.js", script, "monitor"],
  ["monitor/reading-stream.js", script, "monitor"],
  ["monitor/readings.js", script, "monitor"],
  ["monitor/rooms.js", script, "monitor"],
  ["monitor/status.js", script, "monitor"],
  ["monitor/tables.js", script, "monitor"]
]

/** The libraries, from wherever the package manager put them: the specifier that the page imports, and the name it is served under. */
const libraries: ReadonlyArray<readonly [specifier: string, name: string, ...modulesOf: ReadonlyArray<PageName>]> = [
  ["preact", "preact.js", "chat"],
  ["preact/hooks", "preact-hooks.js", "chat"],
  ["htm", "htm.js", "chat"],
  ["htm/preact", "htm-preact.js", "chat"],
  ["uplot", "uplot.js", "monitor"]
]

/** Where a library's module for browsers is, when that is not what its name resolves to. */
const modulePaths: Readonly<Record<string, string>> = { uplot: "uplot/dist/uPlot.esm.js" }

/** The names below `/assets/` of the modules that a page loads at once. */
export const modulesFor = (page: PageName): ReadonlyArray<string> => [
  ...own.filter(([, , ...pages]) => pages.includes(page)).map(([name]) => name),
  ...libraries.filter(([, , ...pages]) => pages.includes(page)).map(([, name]) => name)
]

/** What the page's import map says, by specifier. */
export const imports: Readonly<Record<string, string>> = Object.fromEntries(
  libraries.map(([specifier, name]) => [specifier, `/assets/${name}`])
)

const read = (
  name: string,
  contentType: string,
  modulesOf: ReadonlyArray<PageName>,
  locate: () => URL
): Effect.Effect<Asset, AssetMissing> =>
  Effect.tryPromise({
    try: async () => readFile(locate()),
    catch: (cause) => new AssetMissing({ name, cause })
  }).pipe(
    Effect.map((body) => ({
      name,
      modulesOf,
      contentType,
      body,
      etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 27)}"`
    }))
  )

/** Everything that is served below `/assets/`: this list and nothing else, read once. */
export const readAssets: Effect.Effect<ReadonlyArray<Asset>, AssetMissing> = Effect.all(
  [
    ...own.map(([name, contentType, ...modulesOf]) =>
      read(name, contentType, modulesOf, () => new URL(`./assets/${name}`, import.meta.url))
    ),
    read("uplot.css", style, [], () => new URL(import.meta.resolve("uplot/dist/uPlot.min.css"))),
    ...libraries.map(([specifier, name, ...modulesOf]) =>
      read(name, script, modulesOf, () => new URL(import.meta.resolve(modulePaths[specifier] ?? specifier)))
    )
  ],
  { concurrency: "unbounded" }
)
