import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Ajv2020 } from "ajv/dist/2020.js"
import { describe, expect, it } from "@effect/vitest"
import { stagesOf } from "../../tools/docker/Stages.ts"
import { composeFile, composeService as service, interpolated, repository } from "../support/ComposeFile.ts"

const compose = composeFile()
const services = Object.entries(compose.services)
const image = stagesOf(readFileSync(join(repository, "Dockerfile"), "utf8")).at(-1)

/** Those that end when their work is done. */
const once = ["secrets", "mongo-replica-set"]
const lasting = services.map(([name]) => name).filter((name) => !once.includes(name))

describe("docker-compose.yaml", () => {
  const schema = new Ajv2020({ strict: false, allErrors: true }).compile(
    JSON.parse(readFileSync(join(import.meta.dirname, "compose-spec", "compose-spec.json"), "utf8")) as object
  )

  it("is as the Compose Specification says", () => {
    schema(compose)
    expect(schema.errors).toBeNull()
  })

  it("the schema sees a misspelt key", () => {
    expect(schema({ ...compose, services: { app: { ...service("app"), read_olny: true } } })).toBe(false)
  })

  it("has no literal secret: a variable of the environment or a file is named", () => {
    const literal = services.flatMap(([name, { environment = {} }]) =>
      Object.entries(environment)
        .filter(([variable]) => /PASSWORD|SECRET|TOKEN|KEY/.test(variable))
        .filter(([variable, value]) =>
          variable.endsWith("_FILE") ? !/^\/secrets\/[a-z/-]+$/.test(String(value)) : value !== `\${${variable}:-}`
        )
        .map(([variable]) => `${name}: ${variable}`)
    )
    expect(literal).toEqual([])
    expect(readFileSync(join(repository, "docker-compose.yaml"), "utf8")).not.toMatch(/:\/\/[^/\s]*:[^/\s]*@/)
  })

  it("secrets stand in no environment but that of the service that keeps them", () => {
    for (const [name, { environment = {} }] of services.filter(([name]) => name !== "secrets")) {
      expect(JSON.stringify(environment), name).not.toMatch(/\$\{[A-Z_]*(PASSWORD|SECRET)/)
    }
  })

  it("every image is pinned to a major version or built here", () => {
    for (const [name, { build, image }] of services) {
      expect(`${name}: ${image}, ${build}`).toMatch(/: (parley, \.|[a-z]+:\d+(\.\d+)*, undefined)$/)
    }
  })

  it("no container can write to its tree, has a privilege or can get one", () => {
    for (const [name, settings] of services) {
      expect(settings, name).toMatchObject({
        init: true,
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"]
      })
      expect(settings.privileged, name).toBeUndefined()
      expect(settings.cap_add ?? [], name).toEqual(name === "secrets" ? ["CHOWN"] : [])
    }
  })

  it("none runs as root but the one that gives the secrets to their readers, and that one has no network", () => {
    for (const [name, { build, user }] of services) {
      const runsAs = user ?? (build === undefined ? "0" : image?.user)
      expect(runsAs, name).toMatch(name === "secrets" ? /^0:0$/ : /^[1-9]\d*:[1-9]\d*$/)
    }
    expect(service("secrets").network_mode).toBe("none")
  })

  it("what lasts is started again, has a health check and time to end", () => {
    for (const name of lasting) {
      const { healthcheck, restart, stop_grace_period } = service(name)
      expect(restart, name).toBe("unless-stopped")
      expect(stop_grace_period, name).toMatch(/^\d+s$/)
      expect(name === "app" ? image?.healthcheck : healthcheck?.test, name).toBeTruthy()
      expect(healthcheck?.disable, name).toBeUndefined()
    }
  })

  it("what ends is not started again, and is waited for", () => {
    for (const name of once) {
      expect(service(name).restart).toBe("no")
      expect(service("app").depends_on?.[name]).toEqual({ condition: "service_completed_successfully" })
    }
  })

  it("whoever is waited for exists, and can be waited for like that", () => {
    for (const { depends_on = {} } of Object.values(compose.services)) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        const possible = once.includes(other) ? "service_completed_successfully" : "service_healthy"
        expect([other, condition]).toEqual([other, possible])
        expect([other, service(other).healthcheck !== undefined]).toEqual([other, true])
      }
    }
  })

  it("the server's health is that it lives, not that it is ready: who stands by is not replaced", () => {
    expect(service("app").healthcheck).toBeUndefined()
    expect(image?.healthcheck.join(" ")).toContain("/healthz")
    expect(image?.healthcheck.join(" ")).not.toContain("/readyz")
  })

  it("the databases are on networks that lead nowhere, each alone with the server", () => {
    const on = (network: string) =>
      services.filter(([, { networks = ["default"] }]) => networks.includes(network)).map(([name]) => name)
    for (const network of ["mysql", "mongo"]) expect(compose.networks[network]).toEqual({ internal: true })
    expect(on("mysql")).toEqual(["app", "mysql"])
    expect(on("mongo")).toEqual(["app", "mongo", "mongo-replica-set"])
    expect(services.filter(([, { ports }]) => ports !== undefined).map(([name]) => name)).toEqual(["app"])
  })

  it("what MySQL and MongoDB answer is on disk", () => {
    expect(service("mysql").command).toEqual(["mysqld", "--innodb-flush-log-at-trx-commit=1", "--sync-binlog=1"])
    expect(service("mongo").command).toEqual(["mongod", "--replSet", "rs0", "--bind_ip_all"])
  })

  it("whatever is written is in a named volume or in memory, and the secrets are written by their service alone", () => {
    for (const [name, { volumes = [] }] of services) {
      for (const volume of volumes) {
        const [source = "", , mode] = volume.split(":")
        expect(Object.keys(compose.volumes), name).toContain(source)
        expect([name, source, mode]).toEqual([name, source, source === name || source !== "secrets" ? undefined : "ro"])
      }
    }
    const targets = (service("app").volumes ?? []).map((volume) => volume.split(":")[1])
    expect(targets).toEqual(["/secrets", ...(image?.volumes ?? [])])
    // A volume that an image declares and nobody names would be made anew, and left behind, with every container.
    expect(service("secrets").tmpfs).toEqual(expect.arrayContaining([...(image?.volumes ?? [])]))
    expect(service("mongo-replica-set").tmpfs).toEqual(expect.arrayContaining(["/data/db", "/data/configdb"]))
    expect(service("mongo").tmpfs).toContain("/data/configdb")
  })

  it("each secret belongs to the user who reads it", () => {
    const uidOf = (user: string | undefined): string | undefined => user?.split(":")[0]
    expect(service("secrets").entrypoint).toEqual([
      "node",
      "tools/compose-secrets.ts",
      "/secrets",
      uidOf(service("mysql").user),
      uidOf(image?.user)
    ])
  })

  it("the page finds its sockets: a port has one number, inside and outside", () => {
    const { environment = {}, ports } = service("app")
    expect(ports).toEqual(["APP_PORT", "APP_PORT_SOCKET"].map((name) => `${environment[name]}:${environment[name]}`))
    expect(ports?.map((port) => interpolated(port))).toEqual(["4000:4000", "8080:8080"])
  })
})
