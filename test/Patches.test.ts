import { readFileSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"

const root = join(import.meta.dirname, "..")
const readJson = (file: string) => JSON.parse(readFileSync(join(root, file), "utf8"))
const patched = ["@effect/sql-mysql2", "@effect/sql-sqlite-node"]

const patchOf = (name: string): string => {
  const { version } = readJson(`node_modules/${name}/package.json`)
  return readFileSync(join(root, "patches", `${name.replace("/", "+")}+${version}.patch`), "utf8")
}

/** The modules of `effect` that the package's code and its types import. */
const importsOf = (name: string): ReadonlyArray<string> => {
  const dist = join(root, "node_modules", name, "dist")
  return readdirSync(dist)
    .filter((file) => file.endsWith(".js") || file.endsWith(".d.ts"))
    .flatMap((file) => [...readFileSync(join(dist, file), "utf8").matchAll(/ from "(effect\/[^"]+)"/g)])
    .map((match) => match[1] ?? "")
}

describe.each(patched)("%s", (name) => {
  it("imports nothing that this release of effect does not have", async () => {
    const imports = new Set(importsOf(name))
    assert.isAbove(imports.size, 5)
    for (const specifier of imports) await import(/* @vite-ignore */ specifier)
  })

  it("needs its patch: what it imports unpatched is not there", async () => {
    const removed = [...patchOf(name).matchAll(/^-.* from "(effect\/[^"]+)"/gm)].map((match) => match[1] ?? "")
    assert.isNotEmpty(removed)
    for (const specifier of new Set(removed)) {
      const found = await import(/* @vite-ignore */ specifier).then(
        () => true,
        () => false
      )
      assert.isFalse(found, `${specifier} is there: drop the patch of ${name}`)
    }
  })

  it("goes along, patched, with whoever installs this package", () => {
    assert.include(readJson("package.json").bundleDependencies, name)
  })
})
