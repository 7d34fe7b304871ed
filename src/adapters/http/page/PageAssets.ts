import { Effect, Schema } from "effect"
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { withoutComments } from "./WithoutComments.ts"

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
  ["chat.css", style],
  ["app.js", script, "chat"],
  ["chat.js", script, "chat"],
  ["connection/address.js", script, "chat"],
  ["connection/api.js", script, "chat"],
  ["connection/browser-memory.js", script, "chat"],
  ["connection/line.js", script, "chat"],
  ["connection/outbox.js", script, "chat"],
  ["connection/publication.js", script, "chat"],
  ["connection/session.js", script, "chat"],
  ["store/room.js", script, "chat"],
  ["store/state.js", script, "chat"],
  ["store/store.js", script, "chat"],
  ["store/words.js", script, "chat"],
  ["views/announcer.js", script, "chat"],
  ["views/composer.js", script, "chat"],
  ["views/dialogs.js", script, "chat"],
  ["views/icon.js", script, "chat"],
  ["views/message.js", script, "chat"],
  ["views/preferences.js", script, "chat"],
  ["views/room-head.js", script, "chat"],
  ["views/room-log.js", script, "chat"],
  ["views/rooms.js", script, "chat"],
  ["views/search.js", script, "chat"],
  ["views/words.js", script, "chat"],
  ["monitor/monitor.css", style],
  ["monitor/backoff.js", script, "monitor"],
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
  ["uplot", "uplot.js", "monitor"],
  ["linkify-it", "linkify-it/index.mjs", "chat"],
  ["uc.micro", "uc.micro/index.mjs", "chat"],
  ["centrifuge", "centrifuge.js", "chat"]
]

/** Modules that libraries import from beside themselves, each under the address that this leads to. */
const parts: ReadonlyArray<readonly [specifier: string, path: string, name: string]> = [
  ["linkify-it", "lib/re.mjs", "linkify-it/lib/re.mjs"],
  ...["properties/Any", "categories/Cc", "categories/Cf", "categories/P", "categories/S", "categories/Z"].map(
    (part) => ["uc.micro", `${part}/regex.mjs`, `uc.micro/${part}/regex.mjs`] as const
  )
]

/** Where a library's module for browsers is, when that is not what its name resolves to: a path beside that. */
const modulePaths: Readonly<Record<string, string>> = {
  // A third of the module's size; no name of its package leads to it. It sets `Centrifuge`.
  centrifuge: "../dist/centrifuge.js",
  uplot: "./uPlot.esm.js"
}

const locationOf = (specifier: string): URL => new URL(modulePaths[specifier] ?? "", import.meta.resolve(specifier))

/** The names below `/assets/` of the modules that a page loads at once. */
export const modulesFor = (page: PageName): ReadonlyArray<string> => [
  ...own.filter(([, , ...pages]) => pages.includes(page)).map(([name]) => name),
  ...libraries.filter(([, , ...pages]) => pages.includes(page)).map(([, name]) => name)
]

/** What the page's import map says, by specifier. */
export const imports: Readonly<Record<string, string>> = Object.fromEntries(
  libraries.map(([specifier, name]) => [specifier, `/assets/${name}`])
)

/** Libraries whose modules are minified already are served as they are. */
const commented = /^(?!preact|htm|centrifuge|uplot).*\.(?:m?js|css)$/i

const read = (
  name: string,
  contentType: string,
  modulesOf: ReadonlyArray<PageName>,
  locate: () => URL
): Effect.Effect<Asset, AssetMissing> =>
  Effect.tryPromise({
    try: async () => {
      const source = await readFile(locate())
      return commented.test(name) ? Buffer.from(withoutComments(source.toString())) : source
    },
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
    ...libraries.map(([specifier, name, ...modulesOf]) => read(name, script, modulesOf, () => locationOf(specifier))),
    ...parts.map(([specifier, path, name]) =>
      read(name, script, ["chat"], () => new URL(path, import.meta.resolve(specifier)))
    )
  ],
  { concurrency: "unbounded" }
)
