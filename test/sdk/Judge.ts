import { describe } from "vitest"
import { parleyHost } from "./ParleyHost.ts"
import { driven, hosted, parleyScenarios, protocolScenarios, refreshScenario } from "./Scenarios.ts"
import { onSdk } from "./Sdk.ts"
import type { SdkName } from "./Sdk.ts"

const encodings = ["json", "protobuf"] as const

/** Declares every scenario on Parley with one SDK, in both of its encodings. */
export const judge = (name: SdkName): Promise<void> =>
  onSdk(name, (start) => {
    describe(`the ${name} SDK`, () => {
      const clients = driven(start)
      const host = hosted(parleyHost)
      const hasty = hosted(() => parleyHost({ ACCESS_TOKEN_TTL: "2 seconds" }))
      for (const encoding of encodings) {
        describe(`with ${encoding}`, () => {
          protocolScenarios({ host, clients, encoding })
          parleyScenarios({ host, clients, encoding })
          refreshScenario({ host: hasty, clients, encoding })
        })
      }
    })
  })
