import { describe } from "vitest"
import { parleyHost } from "./ParleyHost.ts"
import { parleyScenarios, protocolScenarios, refreshScenario } from "./Scenarios.ts"
import { onSdk } from "./Sdk.ts"
import type { SdkName } from "./Sdk.ts"

const encodings = ["json", "protobuf"] as const

/** Declares every scenario on Parley with one SDK, in both of its encodings. */
export const judge = (name: SdkName): Promise<void> =>
  onSdk(name, (start) => {
    for (const encoding of encodings) {
      describe(`the ${name} SDK with ${encoding}`, () => {
        protocolScenarios(start, encoding, parleyHost)
        parleyScenarios(start, encoding, parleyHost)
        refreshScenario(start, encoding, () => parleyHost({ ACCESS_TOKEN_TTL: "2 seconds" }))
      })
    }
  })
