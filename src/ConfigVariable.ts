import { Config, ConfigProvider, Effect, Result, Schema } from "effect"
import { secretFileVariable } from "./SecretFiles.ts"

/** One environment variable, as the documentation shows it. */
export interface Variable {
  readonly name: string
  /** As it would be written in `.env`; undefined where the variable is optional. */
  readonly fallback: string | undefined
  readonly expected: string
  readonly about: string
  readonly secret: boolean
}

interface Description {
  readonly expected: string
  readonly about: string
  readonly secret?: true
}

/** The variables that were declared, in their order, so that one can be judged without the others. */
export class VariableList {
  private readonly declared: Array<Variable & { readonly config: Config.Config<unknown> }> = []

  get all(): ReadonlyArray<Variable> {
    return this.declared
  }

  optional<A>(name: string, schema: Schema.Codec<A, string>, description: Description): Config.Config<A | undefined> {
    const config = Config.schema(schema, name).pipe(Config.withDefault(undefined))
    this.add(name, undefined, description, config)
    return config
  }

  /** `fallback` is decoded as if it had been written: what the documentation says is what happens. */
  required<A>(
    name: string,
    fallback: string,
    schema: Schema.Codec<A, string>,
    description: Description
  ): Config.Config<A> {
    const config = Config.schema(schema, name).pipe(Config.withDefault(Schema.decodeSync(schema)(fallback)))
    this.add(name, fallback, description, config)
    return config
  }

  /** One line for every variable whose value is wrong. A secret's value is never in it. */
  readonly problems = (env: Readonly<Record<string, string | undefined>>): Effect.Effect<ReadonlyArray<string>> => {
    const provider = ConfigProvider.fromUnknown(env)
    return Effect.map(
      Effect.forEach(this.declared, (variable) =>
        Effect.map(Effect.result(variable.config.parse(provider)), (result) => {
          if (Result.isSuccess(result)) return []
          const value = env[variable.name] ?? ""
          const got = variable.secret ? `${Buffer.byteLength(value)} bytes (not shown)` : JSON.stringify(value)
          return [`${variable.name}: expected ${variable.expected}, got ${got}`]
        })
      ),
      (lines) => lines.flat()
    )
  }

  private add(
    name: string,
    fallback: string | undefined,
    { about, expected, secret }: Description,
    config: Config.Config<unknown>
  ): void {
    const fromFile = secret ? `; or \`${secretFileVariable(name)}\`, a file that holds it` : ""
    this.declared.push({ name, fallback, expected, about: `${about}${fromFile}`, secret: secret === true, config })
  }
}
