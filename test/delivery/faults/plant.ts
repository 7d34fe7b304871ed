// Preloaded into a server process (`--import`): its SQLite journal is then the one that has faults.
import { registerHooks } from "node:module"

const faulty = new URL("FaultyJournal.ts", import.meta.url).href

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    const isJournal = resolved.url.endsWith("/src/adapters/sqlite/Journal.ts")
    return isJournal && context.parentURL !== faulty ? { ...resolved, url: faulty } : resolved
  }
})
