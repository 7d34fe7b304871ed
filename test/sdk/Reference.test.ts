import { describe } from "vitest"
import { centrifugeProgram, startCentrifuge } from "./CentrifugeHost.ts"
import { startJavaScript } from "./JavaScriptDriver.ts"
import { driven, hosted, protocolScenarios } from "./Scenarios.ts"
import { skipped } from "./Sdk.ts"

const name = "Centrifugo's own engine"

// A scenario that asks of Parley what the protocol does not say would fail here.
const served = (program: string): void => {
  describe(`on ${name}`, () => {
    const host = hosted(() => startCentrifuge(program))
    protocolScenarios({ host, clients: driven(startJavaScript), encoding: "json" })
  })
}

const program = await centrifugeProgram()
const declare = (): void => (typeof program === "string" ? served(program) : skipped(name, program))

declare()
