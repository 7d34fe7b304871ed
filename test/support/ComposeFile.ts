import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { parse } from "yaml"

/** What the tests look at of a service; all of it is checked against the specification's schema first. */
interface ComposeService {
  readonly image: string
  readonly build?: string
  readonly restart: string
  readonly user?: string
  readonly init?: boolean
  readonly read_only?: boolean
  readonly cap_drop?: ReadonlyArray<string>
  readonly cap_add?: ReadonlyArray<string>
  readonly security_opt?: ReadonlyArray<string>
  readonly privileged?: boolean
  readonly entrypoint?: ReadonlyArray<string>
  readonly command?: ReadonlyArray<string>
  readonly environment?: Readonly<Record<string, string | number>>
  readonly ports?: ReadonlyArray<string>
  readonly volumes?: ReadonlyArray<string>
  readonly tmpfs?: ReadonlyArray<string>
  readonly networks?: ReadonlyArray<string>
  readonly network_mode?: string
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test?: ReadonlyArray<string>; readonly disable?: boolean }
  readonly stop_grace_period?: string
}

interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>
  readonly volumes: Readonly<Record<string, object | null>>
}

export const repository = resolve(import.meta.dirname, "../..")

/** docker-compose.yaml, its anchors resolved, its variables not. */
export const composeFile = (): ComposeFile =>
  parse(readFileSync(resolve(repository, "docker-compose.yaml"), "utf8"), { merge: true }) as ComposeFile

export const composeService = (name: string): ComposeService => {
  const found = composeFile().services[name]
  if (found === undefined) throw new Error(`there is no service ${name}`)
  return found
}

/** `${NAME:-default}` with the environment's value or the default, as Docker Compose puts them in; `$$` is a dollar sign. */
export const interpolated = (text: string | number, env: Readonly<Record<string, string>> = {}): string =>
  String(text).replace(/\$\$|\$\{([A-Z_]+):-([^}]*)\}/g, (found, name: string, fallback: string) =>
    found === "$$" ? "$" : env[name] || fallback
  )
