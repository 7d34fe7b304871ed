import { ApiClient } from "../support/ApiClient.ts"
import type { ApiReply } from "../support/ApiClient.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import { middle } from "./Measurement.ts"
import type { Scenario } from "./Measurement.ts"

const attempts = 200
const warm = 20

/** Everything but what is another one each time by right. */
const shown = ({ headers, status, text }: ApiReply): string =>
  JSON.stringify([
    status,
    text.replace(/"(instance|trace_id)":"[^"]*"/g, ""),
    [...headers].filter(([name]) => !["date", "traceparent", "x-request-id"].includes(name))
  ])

export const logins: Scenario = {
  name: "logins",
  about: "an unknown user against a wrong password: bytes, and medians of 200",
  run: async ({ say }) => {
    const server = new ServerProcess()
    try {
      const { url } = await server.up(unlimited)
      const api = new ApiClient(url)
      await api.register("somebody")
      const unknown: Array<number> = []
      const wrong: Array<number> = []
      const answers = new Set<string>()
      for (let n = 0; n < attempts + warm; n++) {
        if (n % 20 === 0) say(`logins: ${n} of ${attempts + warm}`)
        // In turns, so that whatever else the machine does meets both.
        for (const [username, times] of n % 2 === 0
          ? ([
              ["nobody-at-all", unknown],
              ["somebody", wrong]
            ] as const)
          : ([
              ["somebody", wrong],
              ["nobody-at-all", unknown]
            ] as const)) {
          const began = performance.now()
          const reply = await api.login(username, { password: "wrong password" })
          if (n >= warm) times.push(performance.now() - began)
          answers.add(shown(reply))
        }
      }
      const [one, other] = [middle(unknown), middle(wrong)]
      const apart = Math.abs(one - other) / Math.min(one, other)
      return [
        {
          promise: "Unknown user and wrong password: the same bytes but for instance and trace id",
          bound: "1 answer",
          measured: `${answers.size} answer${answers.size === 1 ? "" : "s"}`,
          kept: answers.size === 1
        },
        {
          promise: `Unknown user and wrong password: medians of ${attempts}`,
          bound: "within 5 %",
          measured: `${one.toFixed(1)} ms and ${other.toFixed(1)} ms (${(apart * 100).toFixed(1)} % apart)`,
          kept: apart <= 0.05
        }
      ]
    } finally {
      await server.remove()
    }
  }
}
