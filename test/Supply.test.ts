import { execFile } from "node:child_process"
import { existsSync, readFileSync, readdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { promisify } from "node:util"
import { describe, expect, it } from "vitest"
import { parse } from "yaml"

const root = resolve(import.meta.dirname, "..")
const text = (path: string): string => readFileSync(join(root, path), "utf8")

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly allowScripts?: Readonly<Record<string, boolean>>
}

interface Locked {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly inBundle?: boolean
  readonly hasInstallScript?: boolean
}

const manifest = JSON.parse(text("package.json")) as Manifest
const { packages } = JSON.parse(text("package-lock.json")) as { readonly packages: Readonly<Record<string, Locked>> }

describe("what we depend on", () => {
  it("has exact versions", () => {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(version, name).toMatch(/^(\d+\.\d+\.\d+(-[\w.]+)?|file:.*)$/)
    }
  })

  it("is locked with its hash, but for bcrypt's builds for other platforms", () => {
    const unhashed = Object.entries(packages).filter(
      ([path, { inBundle, integrity, link }]) =>
        path.startsWith("node_modules/") && link !== true && inBundle !== true && integrity === undefined
    )
    const elsewhere = /^node_modules\/@node-rs\/bcrypt-(?!linux-x64-gnu)/
    expect(unhashed.map(([path]) => path).filter((path) => !elsewhere.test(path))).toEqual([])
  })

  it("runs no script when it is installed but those that allowScripts names, which are none", () => {
    const scripted = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript === true)
    expect(manifest.allowScripts).toEqual({})
    expect(scripted.map(([path]) => path)).toEqual([])
  })

  it("is listed by npm run sbom, as CycloneDX", async () => {
    const { stdout } = await promisify(execFile)("npm", ["run", "--silent", "sbom"], {
      cwd: root,
      maxBuffer: 64 * 1024 * 1024
    })
    const { bomFormat, components } = JSON.parse(stdout) as {
      readonly bomFormat: string
      readonly components: ReadonlyArray<{ readonly name: string; readonly version: string }>
    }
    expect(bomFormat).toBe("CycloneDX")
    const listed = new Set(components.map(({ name, version }) => `${name}@${version}`))
    for (const [name, version] of Object.entries(manifest.dependencies)) expect(listed).toContain(`${name}@${version}`)
  })
})

describe("the workflow", () => {
  it("runs scripts that there are, with no more rights than to read", () => {
    const source = text(".github/workflows/check.yaml")
    const workflow = parse(source) as { readonly permissions: object }
    expect(workflow.permissions).toEqual({ contents: "read" })
    const asked = [...source.matchAll(/npm (?:run (?:--silent )?)([\w:-]+)/g)].map(([, name]) => name)
    expect(asked).toContain("check")
    for (const name of asked) expect(Object.keys(manifest.scripts)).toContain(name)
  })
})

describe("SECURITY.md", () => {
  it("names tests that there are", () => {
    const named = [...text("SECURITY.md").matchAll(/`(test\/[^`]+)`/g)].map(([, path = ""]) => path)
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })
})

describe("the examples of proxies", () => {
  it("are each named in the README", () => {
    for (const name of readdirSync(join(root, "deploy"))) expect(text("README.md")).toContain(`deploy/${name}`)
  })
})
