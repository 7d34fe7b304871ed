import type { estypes } from "@elastic/elasticsearch"

/** What `elk_stack/setup/lifecycle-policy.json` holds: a log is kept for 30 days. */
export const lifecyclePolicy = {
  policy: {
    phases: {
      hot: {
        min_age: "0ms",
        actions: {
          rollover: {
            max_age: "1d",
            max_primary_shard_size: "10gb"
          }
        }
      },
      delete: {
        min_age: "30d",
        actions: {
          delete: {}
        }
      }
    }
  }
} satisfies Omit<estypes.IlmPutLifecycleRequest, "name">
