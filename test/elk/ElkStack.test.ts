import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Ajv2020 } from "ajv/dist/2020.js"
import { describe, expect, it } from "vitest"
import { parse } from "yaml"
import { indexTemplate } from "../../tools/elk/IndexTemplate.ts"
import { lifecyclePolicy } from "../../tools/elk/LifecyclePolicy.ts"
import { composeFile, composeService, repository } from "../support/ComposeFile.ts"

const text = (file: string): string => readFileSync(join(repository, "elk_stack", file), "utf8")
const yaml = (file: string): unknown => parse(text(file), { merge: true })

interface Compose {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly image: string
        readonly restart: string
        readonly mem_limit?: string
        readonly healthcheck?: object
        readonly ports?: ReadonlyArray<string>
        readonly environment?: Readonly<Record<string, string>>
        readonly volumes?: ReadonlyArray<string>
        readonly depends_on?: Readonly<Record<string, object>>
        readonly networks?: ReadonlyArray<string>
      }
    >
  >
  readonly networks?: Readonly<Record<string, object | null>>
  readonly volumes: Readonly<Record<string, object | null>>
}

describe.each(["docker-compose.yaml", "prometheus/docker-compose.yaml"])("elk_stack/%s", (file) => {
  const compose = yaml(file) as Compose
  const services = Object.entries(compose.services)

  it("is as the Compose Specification says", () => {
    const schema = new Ajv2020({ strict: false, allErrors: true }).compile(
      JSON.parse(readFileSync(join(import.meta.dirname, "../docker/compose-spec/compose-spec.json"), "utf8")) as object
    )
    schema(compose)
    expect(schema.errors).toBeNull()
  })

  it("gives each service a bound of memory and each lasting one a health check, and holds no secret", () => {
    for (const [name, { environment = {}, healthcheck, mem_limit, restart }] of services) {
      expect(mem_limit, name).toMatch(/^\d+[mg]$/)
      expect(restart === "no" || healthcheck !== undefined, name).toBe(true)
      for (const [variable, value] of Object.entries(environment)) {
        const secret = /PASSWORD|TOKEN|_KEY/.test(variable) && !variable.endsWith("_FILE")
        expect(secret && value !== "true", `${name}: ${variable}`).toBe(false)
      }
    }
  })

  it("mounts files that are there, volumes that are declared, and waits for services that exist", () => {
    for (const [name, { depends_on = {}, networks = [], volumes = [] }] of services) {
      for (const network of networks) expect(["default", ...Object.keys(compose.networks ?? {})]).toContain(network)
      for (const volume of volumes) {
        const [from = ""] = volume.split(":")
        const known = from.startsWith("./")
          ? existsSync(join(repository, "elk_stack", file, "..", from))
          : from === "../logs" || from in compose.volumes
        expect(known, `${name}: ${volume}`).toBe(true)
      }
      for (const other of Object.keys(depends_on)) expect(Object.keys(compose.services), name).toContain(other)
    }
  })
})

describe("the ELK stack", () => {
  it("is on the ports of the original one, for this machine alone, one version of all", () => {
    const { services } = yaml("docker-compose.yaml") as Compose
    const ports = Object.values(services).flatMap(({ ports = [] }) => ports)
    expect(ports.toSorted()).toEqual(
      ["127.0.0.1:9200:9200", "127.0.0.1:5601:5601", "127.0.0.1:5044:5044", "127.0.0.1:8200:8200"].toSorted()
    )
    const images = Object.values(services).map(({ image }) => image)
    expect(new Set(images.map((image) => image.split(":")[1]))).toEqual(new Set(["9.5.1"]))
    expect(services["elasticsearch"]?.environment?.["xpack.security.enabled"]).toBe("true")
  })

  it("is reached by the server in Docker, and reaches its log: by names that both files say the same of", () => {
    const stack = yaml("docker-compose.yaml") as Compose
    const server = composeFile()
    const app = composeService("app")
    const shared = (app.networks ?? []).filter((network) => stack.services["apm-server"]?.networks?.includes(network))
    expect(shared).toEqual(["default", "parley-observability"])
    // Docker Compose refuses a network that another project made under another key, and asks before it uses a volume that was made otherwise.
    expect(server.networks["parley-observability"]).toEqual({ name: "parley-observability" })
    expect(stack.networks?.["parley-observability"]).toEqual(server.networks["parley-observability"])
    expect(stack.volumes["parley-logs"]).toEqual({ name: "parley-logs" })
    expect(server.volumes["logs"]).toEqual(stack.volumes["parley-logs"])
    expect(app.volumes).toContain("logs:/app/logs")
    expect(stack.services["filebeat"]?.volumes).toContain("parley-logs:/logs/docker:ro")
    const { "filebeat.inputs": inputs } = yaml("filebeat/filebeat.yml") as {
      readonly "filebeat.inputs": ReadonlyArray<{ readonly paths: ReadonlyArray<string> }>
    }
    expect(inputs[0]?.paths).toContain("/logs/docker/chat_message.log*")
    // Where the compose file and the guide send the traces.
    const { "apm-server": apm } = yaml("apm-server/apm-server.yml") as { readonly "apm-server": { host: string } }
    expect(apm.host).toBe("0.0.0.0:8200")
    for (const file of ["docker-compose.yaml", "docs/operations.md"]) {
      expect(readFileSync(join(repository, file), "utf8")).toContain("http://apm-server:8200")
    }
  })

  it("reads a directory that the repository has: one that Docker makes would be root's, and no server's", () => {
    const { volumes } = (yaml("docker-compose.yaml") as Compose).services["filebeat"] ?? {}
    expect(volumes).toContain("../logs:/logs/local:ro")
    expect(existsSync(join(repository, "logs/.gitkeep"))).toBe(true)
    expect(readFileSync(join(repository, ".gitignore"), "utf8")).toMatch(/^logs\/\*\n!logs\/\.gitkeep$/m)
  })

  it("has the template and the policy that are typed in tools/elk: 30 days", () => {
    expect(JSON.parse(text("setup/index-template.json"))).toEqual(indexTemplate)
    expect(JSON.parse(text("setup/lifecycle-policy.json"))).toEqual(lifecyclePolicy)
    expect(lifecyclePolicy.policy.phases.delete.min_age).toBe("30d")
    expect(indexTemplate.template.settings.index.lifecycle.name).toBe("parley-logs")
    expect(text("setup/elasticsearch.sh")).toMatch(/PUT _ilm\/policy\/parley-logs @\/setup\/lifecycle-policy\.json/)
  })

  it("ships lines once: a filestream with an id, ndjson, to the port where Logstash listens", () => {
    const filebeat = yaml("filebeat/filebeat.yml") as {
      readonly "filebeat.inputs": ReadonlyArray<Readonly<Record<string, unknown>>>
      readonly "output.logstash": { readonly hosts: ReadonlyArray<string> }
    }
    expect(filebeat["filebeat.inputs"]).toMatchObject([
      { type: "filestream", id: "parley-chat", parsers: [{ ndjson: { target: "", expand_keys: true } }] }
    ])
    expect(filebeat["output.logstash"].hosts).toEqual(["logstash:5044"])
    expect(text("logstash/pipeline/parley.conf")).toMatch(/beats \{\s+port => 5044/)
    expect((yaml("docker-compose.yaml") as Compose).services["filebeat"]?.volumes).toContain(
      "filebeat:/usr/share/filebeat/data"
    )
    expect(yaml("logstash/logstash.yml")).toMatchObject({
      "api.http.host": "0.0.0.0",
      "dead_letter_queue.enable": true
    })
    expect(yaml("apm-server/apm-server.yml")).toMatchObject({ "apm-server": { host: "0.0.0.0:8200" } })
  })

  it("gives each password that a file names to the command that reads it", () => {
    const given = new Set([...text("setup/with-secrets.sh").matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name))
    for (const file of ["logstash/pipeline/parley.conf", "apm-server/apm-server.yml"]) {
      for (const [, name] of text(file).matchAll(/\$\{([A-Z_]+)\}/g)) expect(given).toContain(name)
    }
    const made = /for name in ([^;]+);/.exec(text("setup/secrets.sh"))?.[1]?.split(" ")
    for (const script of ["setup/with-secrets.sh", "setup/elasticsearch.sh", "setup/kibana.sh"]) {
      for (const [, name] of text(script).matchAll(/\/secrets\/([a-z-]+)/g)) expect(made, script).toContain(name)
    }
  })

  it("has a dashboard whose every reference is there, and whose fields are mapped", () => {
    interface Saved {
      readonly type: string
      readonly id: string
      readonly attributes: Readonly<Record<string, unknown>>
      readonly references: ReadonlyArray<{ readonly type: string; readonly id: string; readonly name: string }>
    }
    const saved = text("setup/saved-objects.ndjson")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Saved)
    const ids = saved.map(({ id, type }) => `${type} ${id}`)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { id, references } of saved) {
      for (const reference of references) expect(ids, id).toContain(`${reference.type} ${reference.id}`)
    }
    const dashboard = saved.find(({ type }) => type === "dashboard")
    const panels = JSON.parse(String(dashboard?.attributes["panelsJSON"])) as ReadonlyArray<Record<string, string>>
    expect(panels).toHaveLength(5)
    const names = dashboard?.references.map(({ name }) => name)
    for (const { panelIndex, panelRefName } of panels) expect(names).toContain(`${panelIndex}:${panelRefName}`)
    const fields = [...JSON.stringify(saved).matchAll(/"sourceField":"([^"]+)"/g)].map(([, field]) => String(field))
    for (const field of fields.filter((field) => field !== "___records___")) expect(mapped(field), field).toBe(true)
  })

  it("has an example of an alert that asks for fields of the log", () => {
    const alert = JSON.parse(text("alerts/errors.kibana.json")) as { readonly params: { readonly esQuery: string } }
    expect(Object.keys((JSON.parse(alert.params.esQuery) as { query: { terms: object } }).query.terms)).toEqual([
      "log.level"
    ])
  })
})

interface Mapping {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Mapping>>
}

/** Whether the template knows the field, or one that holds it as a whole. */
const mapped = (field: string): boolean => {
  let mapping: Mapping | undefined = indexTemplate.template.mappings
  for (const part of field.split(".")) {
    if (mapping?.type === "flattened") return true
    mapping = mapping?.properties?.[part]
  }
  return mapping?.type !== undefined
}

describe("what becomes of a line", () => {
  type Json = Record<string, unknown>

  /** Paths of all values: `{"a.b": {"c": 1}}` gives `a.b.c`, as Filebeat's `expand_keys` has it. */
  const paths = (value: unknown, at = ""): ReadonlyArray<string> =>
    typeof value === "object" && value !== null && at !== "labels"
      ? Object.entries(value as Json).flatMap(([key, inner]) => paths(inner, at === "" ? key : `${at}.${key}`))
      : [at]

  const conf = text("logstash/pipeline/parley.conf")
  const fieldIn = (name: string): string => name.replace(/^\[|\]$/g, "").replaceAll("][", ".")
  const removed = [
    ...(/remove_field => \[([^\]]*(?:\][^\]]*)*?)\]\n/.exec(conf)?.[1] ?? "").matchAll(/"([^"]+)"/g)
  ].map(([, name]) => fieldIn(String(name)))
  const converted = [...conf.matchAll(/"(\[[^"]+\])" => "(integer|string)"/g)].map(([, name]) => fieldIn(String(name)))

  it("every field of real lines is mapped, and what the filter takes away is no field of ours", () => {
    // Of a run with a request, an error with its stack, a socket's two lines and a minute's figures.
    const lines = readFileSync(join(import.meta.dirname, "../fixtures/chat_message.log"), "utf8")
      .trimEnd()
      .split("\n")
    const fields = new Set(lines.flatMap((line) => paths(JSON.parse(line) as Json)))
    expect(fields.size).toBeGreaterThan(15)
    for (const field of fields) expect(mapped(field), field).toBe(true)
    expect(removed).toEqual(expect.arrayContaining(["agent", "log.offset", "host.name"]))
    for (const field of removed) {
      expect(fields, field).not.toContain(field)
      expect(
        [...fields].filter((known) => known.startsWith(`${field}.`)),
        field
      ).toEqual([])
    }
    expect(converted).toContain("event.duration")
    for (const field of converted) {
      expect(mapped(field), field).toBe(true)
      expect(fields, field).toContain(field)
    }
  })
})
