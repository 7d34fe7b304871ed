import { Effect, Schema } from "effect"
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"

/** A file of the page could not be read: the package is not whole. */
export class AssetMissing extends Schema.TaggedError<AssetMissing>()("AssetMissing", {
  name: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `The chat page's file ${this.name} cannot be read: install the package again`
  }
}

export interface Asset {
  /** The last part of its address: `/assets/<name>`. */
  readonly name: string
  readonly contentType: string
  readonly body: Uint8Array
  /** A strong validator (RFC 9110, 8.8.3), quotes included. */
  readonly etag: string
}

const script = "text/javascript; charset=utf-8"

/** The page's own files, beside this one, in `src` as in the published package. */
const own = [
  ["account-dialog.js", script],
  ["address.js", script],
  ["answers.js", script],
  ["api.js", script],
  ["app.js", script],
  ["backoff.js", script],
  ["chat.js", script],
  ["close-code.js", script],
  ["composer.js", script],
  ["connection.js", script],
  ["frames.js", script],
  ["header.js", script],
  ["room-log.js", script],
  ["session.js", script],
  ["timeline.js", script],
  ["page.css", "text/css; charset=utf-8"],
  ["icon.svg", "image/svg+xml"]
] as const

/** The libraries, from wherever the package manager put them: the specifier that the page imports, and the name it is served under. */
const libraries = [
  ["preact", "preact.js"],
  ["preact/hooks", "preact-hooks.js"],
  ["htm", "htm.js"],
  ["htm/preact", "htm-preact.js"]
] as const

/** What the page's import map says, by specifier. */
export const imports: Readonly<Record<string, string>> = Object.fromEntries(
  libraries.map(([specifier, name]) => [specifier, `/assets/${name}`])
)

const read = (name: string, contentType: string, locate: () => URL): Effect.Effect<Asset, AssetMissing> =>
  Effect.tryPromise({
    try: async () => readFile(locate()),
    catch: (cause) => new AssetMissing({ name, cause })
  }).pipe(
    Effect.map((body) => ({
      name,
      contentType,
      body,
      etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 27)}"`
    }))
  )

/** Everything that is served below `/assets/`: this list and nothing else, read once. */
export const readAssets: Effect.Effect<ReadonlyArray<Asset>, AssetMissing> = Effect.all(
  [
    ...own.map(([name, contentType]) => read(name, contentType, () => new URL(`./assets/${name}`, import.meta.url))),
    ...libraries.map(([specifier, name]) => read(name, script, () => new URL(import.meta.resolve(specifier))))
  ],
  { concurrency: "unbounded" }
)
