/** Writes the bodies that are typed here into `elk_stack/setup`: `node tools/elk-files.ts`. */
import { writeFileSync } from "node:fs"
import { indexTemplate } from "./elk/IndexTemplate.ts"
import { lifecyclePolicy } from "./elk/LifecyclePolicy.ts"

const write = (name: string, body: object): void =>
  writeFileSync(`elk_stack/setup/${name}`, `${JSON.stringify(body, null, 2)}\n`)

write("index-template.json", indexTemplate)
write("lifecycle-policy.json", lifecyclePolicy)
