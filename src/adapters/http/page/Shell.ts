import { hashSource } from "../ReplyHeaders.ts"
import { imports } from "./PageAssets.ts"

/** What the pages' scripts import by name, as JSON. */
const importMap = JSON.stringify({ imports })

/** The import map must be inline: what a policy's `script-src` needs for it. */
const importMapSource = hashSource(importMap)

/**
 * What every page may do: scripts and styles are the server's own files, the import map is known by its hash, and no script may make HTML out of a string (`require-trusted-types-for`).
 * `connections` are those beside the page's own origin.
 */
export const pagePolicy = (connections: ReadonlyArray<string> = []): string =>
  [
    "default-src 'none'",
    `script-src 'self' ${importMapSource}`,
    "style-src 'self'",
    "img-src 'self'",
    ["connect-src 'self'", ...connections].join(" "),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'"
  ].join("; ")

export interface Head {
  readonly title: string
  readonly description: string
  /** Styles after the tokens and the base, by their names below `/assets/`. */
  readonly styles: ReadonlyArray<string>
  /** The module that starts the page, where it has one; those that it loads, so that they come at once. */
  readonly main?: string
  readonly modules: ReadonlyArray<string>
  /** More `<meta>` elements: name and content. */
  readonly meta?: ReadonlyArray<readonly [name: string, content: string | number]>
}

/** Text as it stands in an element or in an attribute's double quotes. */
export const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

/** `<head>` of every page: the theme before the first paint, the design's styles, the import map, the page's modules. */
export const head = ({ description, main, meta = [], modules, styles, title }: Head): string => `<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content">
<meta name="color-scheme" content="light dark">
<meta name="description" content="${escapeHtml(description)}">
${meta.map(([name, content]) => `<meta name="${name}" content="${escapeHtml(String(content))}">\n`).join("")}<title>${escapeHtml(title)}</title>
<link rel="icon" type="image/svg+xml" href="/assets/icon.svg">
${["tokens.css", "base.css", ...styles].map((name) => `<link rel="stylesheet" href="/assets/${name}">`).join("\n")}
<script src="/assets/theme.js"></script>
<script type="importmap">${importMap}</script>
${modules.map((name) => `<link rel="modulepreload" href="/assets/${name}">`).join("\n")}
${main === undefined ? "" : `<script type="module" src="/assets/${main}"></script>`}
</head>`

/** The mark of every page, which leads to the chat. */
export const brand = `<a class="brand" href="/"><img src="/assets/icon.svg" alt="" width="28" height="28">Parley</a>`

const places = [
  ["/", "Chat"],
  ["/dashboard", "Monitor"],
  ["/docs", "API"],
  ["/metrics", "Metrics"]
] as const

/** The foot of every page. Its choice of a theme is shown by the script that it needs, `theme.js`. */
export const foot = (here: (typeof places)[number][0]): string => `<footer class="foot">
<nav aria-label="Parley"><ul>
${places.map(([path, name]) => `<li><a href="${path}"${path === here ? ' aria-current="page"' : ""}>${name}</a></li>`).join("\n")}
</ul></nav>
<label class="theme" hidden>Theme
<select data-theme-choice>
<option value="system">System</option>
<option value="light">Light</option>
<option value="dark">Dark</option>
<option value="contrast">High contrast</option>
</select>
</label>
</footer>`
