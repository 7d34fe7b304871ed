import { join } from "node:path"
import { it } from "vitest"
import { goProgram } from "../servers/GoProgram.ts"
import { startJavaScript } from "./JavaScriptDriver.ts"
import { processDriver } from "./ProcessDriver.ts"
import { pythonDriver } from "./PythonDriver.ts"
import type { StartDriver } from "./SdkDriver.ts"

/** Why an SDK cannot be run, and how to get it. */
export interface MissingSdk {
  readonly missing: string
}

const goDriver = async (): Promise<StartDriver | MissingSdk> => {
  const program = await goProgram(join(import.meta.dirname, "go"))
  if (typeof program === "string") return processDriver(program, [])
  return { missing: `no Go SDK, ${program.missing}: install Go 1.24 or newer` }
}

/** The SDKs that judge the server, as their makers publish them. */
const sdks = {
  JavaScript: () => Promise.resolve(startJavaScript),
  Go: goDriver,
  Python: () => Promise.resolve(pythonDriver())
}

export type SdkName = keyof typeof sdks

/** Declares tests with an SDK; or one that is skipped and says how to get it. Fails, where `CI` is set, for want of one. */
export const onSdk = async (name: SdkName, tests: (start: StartDriver) => void): Promise<void> => {
  const start = await sdks[name]()
  return typeof start === "function" ? tests(start) : skipped(`the ${name} SDK`, start)
}

/** A test that says what is missing. Throws where `CI` is set: there is no excuse. */
export const skipped = (name: string, { missing }: MissingSdk): void => {
  if (process.env["CI"] !== undefined) throw new Error(missing)
  it(`without it: ${name}`, (test) => test.skip(missing))
}
