/** Writes what the declarations of the variables say into `.env.example` and the README's table: `node tools/config-docs.ts`. */
import { readFileSync, writeFileSync } from "node:fs"
import { variables } from "../src/Config.ts"

const entries = variables.map(({ about, expected, fallback, name }) => {
  const value = fallback ?? ""
  const written = /[ #]/.test(value) ? JSON.stringify(value) : value
  return `# ${about.replaceAll("`", "")} (${expected})\n${value === "" ? "# " : ""}${name}=${written}\n`
})
writeFileSync(
  ".env.example",
  "# Every variable of the server, with its default. Copy this file to .env and change what you need.\n" +
    "# The environment wins over .env; an empty value counts as not set.\n\n" +
    entries.join("")
)

const rows = variables.map(
  ({ about, fallback, name }) => `| \`${name}\` | ${fallback ? `\`${fallback}\`` : ""} | ${about} |`
)
const readme = readFileSync("README.md", "utf8")
const table = /(\| variable \| default \| what it does \|\n\| --- \| --- \| --- \|\n)(?:\|.*\n)*/
writeFileSync(
  "README.md",
  readme.replace(table, (_, head: string) => `${head}${rows.join("\n")}\n`)
)
