import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { stripTypeScriptTypes } from "node:module"
import { readAssets } from "../../../../src/adapters/http/page/PageAssets.ts"
import { withoutComments } from "../../../../src/adapters/http/page/WithoutComments.ts"

it("takes comments that stand alone, blank lines and indentation, and nothing else", () => {
  const source = `// @ts-check
/** One
 * two */
const a = "/* stays */" // stays, too

  /* gone */
  const b = 1 /* stays */
`
  expect(withoutComments(source)).toBe(`const a = "/* stays */" // stays, too\nconst b = 1 /* stays */\n`)
  expect(withoutComments(".a {\n  /* b */\n  color: red;\n}\n")).toBe(".a {\ncolor: red;\n}\n")
})

it.effect("leaves every script of the pages one that can be read", () =>
  Effect.gen(function* () {
    const assets = yield* readAssets
    const scripts = assets.filter(({ contentType }) => contentType.startsWith("text/javascript"))
    expect(scripts.length).toBeGreaterThan(20)
    // Whoever takes types out of a module has to read it as a whole.
    for (const { body, name } of scripts) {
      expect(() => stripTypeScriptTypes(Buffer.from(body).toString()), name).not.toThrow()
    }
  })
)
