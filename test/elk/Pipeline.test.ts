import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { repository } from "../support/ComposeFile.ts"
import { pythonWith } from "../sdk/PythonDriver.ts"
import { skipped } from "../sdk/Sdk.ts"

const directory = join(import.meta.dirname, "python")
const python = pythonWith(join(directory, "requirements.txt"))
const pipeline = readFileSync(join(repository, "elk_stack/logstash/pipeline/parley.conf"), "utf8")

const parsed = (interpreter: string, text: string) =>
  spawnSync(interpreter, [join(directory, "parse.py")], { input: text, encoding: "utf8" })

describe("the pipeline of Logstash", () => {
  if (typeof python !== "string") {
    skipped("the grammar of Logstash", python)
    return
  }
  it("is one by Logstash's own grammar: beats on 5044, two mutations, a data stream", () => {
    const { status, stderr, stdout } = parsed(python, pipeline)
    expect(status, stderr).toBe(0)
    expect(JSON.parse(stdout)).toEqual([
      ["input", [["beats", [["port", [5044]]]]]],
      [
        "filter",
        [
          ["mutate", [["remove_field", [expect.arrayContaining(["agent", "[event][original]"])]]]],
          ["mutate", [["convert", [expect.arrayContaining([["[event][duration]", ["integer"]]])]]]]
        ]
      ],
      ["output", [["elasticsearch", expect.arrayContaining([["data_stream", [true]]])]]]
    ])
    // The grammar sees what is none.
    expect(parsed(python, pipeline.replace("port =>", "port =")).status).not.toBe(0)
  })
})
