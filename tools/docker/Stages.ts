import { Copy, DockerfileParser, From, Healthcheck, JSONInstruction, PropertyInstruction } from "dockerfile-ast"
import type { Instruction } from "dockerfile-ast"

/** What changes the tree of a stage, or the environment in which that is done. */
export type Step =
  | { readonly kind: "ENV"; readonly variables: Readonly<Record<string, string>> }
  | { readonly kind: "WORKDIR"; readonly directory: string }
  | {
      readonly kind: "COPY"
      readonly from: string | undefined
      readonly sources: ReadonlyArray<string>
      readonly to: string
    }
  | { readonly kind: "RUN"; readonly command: string }

/** One `FROM` and what follows it. */
export interface Stage {
  /** After `AS`; undefined where it has none. */
  readonly name: string | undefined
  readonly image: string
  readonly tag: string
  readonly steps: ReadonlyArray<Step>
  readonly user: string | undefined
  readonly stopSignal: string | undefined
  readonly volumes: ReadonlyArray<string>
  readonly ports: ReadonlyArray<string>
  readonly healthcheck: ReadonlyArray<string>
  readonly entrypoint: ReadonlyArray<string>
  readonly command: ReadonlyArray<string>
}

const wordsOf = (instruction: Instruction): ReadonlyArray<string> =>
  instruction.getArguments().map((argument) => argument.getValue())

/** The array in the text: the form without a shell, which is the only one that hands signals and arguments on. */
const arrayOf = (instruction: Instruction, text = instruction.getArgumentsContent() ?? ""): ReadonlyArray<string> => {
  try {
    return JSON.parse(text) as ReadonlyArray<string>
  } catch {
    throw new Error(`${instruction.getKeyword()}: expected an array of strings`)
  }
}

const stepOf = (instruction: Instruction): Step | undefined => {
  switch (instruction.getKeyword()) {
    case "ENV":
      return {
        kind: "ENV",
        variables: Object.fromEntries(
          (instruction instanceof PropertyInstruction ? instruction.getProperties() : []).map((property) => [
            property.getName(),
            property.getValue() ?? ""
          ])
        )
      }
    case "WORKDIR":
      return { kind: "WORKDIR", directory: wordsOf(instruction)[0] ?? "" }
    case "COPY": {
      const flags = instruction instanceof JSONInstruction ? instruction.getFlags() : []
      const unknown = flags.find((flag) => flag.getName() !== "from")
      if (unknown) throw new Error(`COPY --${unknown.getName()} is not known here`)
      const words = wordsOf(instruction)
      const from = instruction instanceof Copy ? (instruction.getFromFlag()?.getValue() ?? undefined) : undefined
      return { kind: "COPY", from, sources: words.slice(0, -1), to: words.at(-1) ?? "" }
    }
    case "RUN":
      return { kind: "RUN", command: instruction.getArgumentsContent() ?? "" }
    default:
      return undefined
  }
}

const stageOf = (from: From, instructions: ReadonlyArray<Instruction>): Stage => {
  // The last one of a kind counts, as in Docker.
  const last = (keyword: string) => instructions.findLast((instruction) => instruction.getKeyword() === keyword)
  const lastArray = (keyword: string): ReadonlyArray<string> => {
    const instruction = last(keyword)
    return instruction === undefined ? [] : arrayOf(instruction)
  }
  const lastWord = (keyword: string): string | undefined => {
    const instruction = last(keyword)
    return instruction === undefined ? undefined : wordsOf(instruction)[0]
  }
  const healthcheck = last("HEALTHCHECK")
  const ports = instructions.filter((instruction) => instruction.getKeyword() === "EXPOSE").flatMap(wordsOf)
  return {
    name: from.getBuildStage() ?? undefined,
    image: from.getImageName() ?? "",
    tag: from.getImageTag() ?? "",
    steps: instructions.flatMap((instruction) => stepOf(instruction) ?? []),
    user: lastWord("USER"),
    stopSignal: lastWord("STOPSIGNAL"),
    volumes: lastArray("VOLUME"),
    ports,
    healthcheck:
      healthcheck instanceof Healthcheck && healthcheck.getSubcommand()?.getValue() === "CMD"
        ? arrayOf(healthcheck, (healthcheck.getArgumentsContent() ?? "").replace(/^CMD\s+/, ""))
        : [],
    entrypoint: lastArray("ENTRYPOINT"),
    command: lastArray("CMD")
  }
}

/** Whatever these files do not use is refused, so that no check passes by overlooking it. */
const known = new Set("FROM ENV WORKDIR COPY RUN USER VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD".split(" "))

/** The stages of a Dockerfile, in their order; the last one is the image. */
export const stagesOf = (dockerfile: string): ReadonlyArray<Stage> => {
  const instructions = DockerfileParser.parse(dockerfile).getInstructions()
  const unknown = instructions.find((instruction) => !known.has(instruction.getKeyword()))
  if (unknown) throw new Error(`${unknown.getKeyword()} is not known here`)
  return instructions.flatMap((from, at) => {
    if (!(from instanceof From)) return []
    const rest = instructions.slice(at + 1)
    const end = rest.findIndex((instruction) => instruction instanceof From)
    return [stageOf(from, end < 0 ? rest : rest.slice(0, end))]
  })
}
