import { fileURLToPath } from "node:url"

/** Bugs that a journal may have. */
export const faults = ["publish before commit", "a dropped entry", "a swapped pair", "a duplicate on retry"] as const
export type Fault = (typeof faults)[number]

/** The environment of a server that has one. */
export const withFault = (fault: Fault): Record<string, string> => ({
  DELIVERY_FAULT: fault,
  NODE_OPTIONS: `--import=${fileURLToPath(new URL("plant.ts", import.meta.url))}`
})
