import specs from "@asyncapi/specs"
import { Ajv } from "ajv"
import { Exit, Schema } from "effect"
import { describe, expect, it } from "vitest"
import { namedBy } from "../../support/DocumentedMessages.ts"
import { startTestServer } from "../../../src/testing.ts"
import { asyncApi } from "../../../src/adapters/ws/AsyncApi.ts"
import { protocolMessages } from "../../../src/adapters/ws/centrifuge/ProtocolMessages.ts"
import { requests } from "../../../src/adapters/ws/centrifuge/Protocol.ts"
import { decodeFrame } from "../../../src/adapters/ws/classic/ClassicFrame.ts"
import { classicMessages } from "../../../src/adapters/ws/classic/ClassicMessages.ts"
import { commandOf } from "../../../src/adapters/ws/centrifuge/Protocol.ts"

const document: unknown = JSON.parse(JSON.stringify(asyncApi()))
const member = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>((found, name) => Reflect.get(Object(found), name), value)

describe("the AsyncAPI document", () => {
  it("is valid 3.0 by AsyncAPI's own schema", () => {
    const validate = new Ajv({ strict: false, validateFormats: false, meta: false, validateSchema: false }).compile(
      Object(specs.schemas["3.0.0"])
    )
    expect(validate(document), JSON.stringify(validate.errors?.slice(0, 5))).toBe(true)
    // The schema does tell right from wrong.
    expect(validate({ ...Object(document), channels: { classic: { messages: { message: { payload: 7 } } } } })).toBe(
      false
    )
  })

  it("has both wires with every message that they have, and refers to nothing that is not there", () => {
    expect(member(document, "channels", "classic", "address")).toBe("/message/v1/send")
    expect(member(document, "channels", "centrifuge", "address")).toBe("/connection/websocket")
    const commands = protocolMessages.filter(({ from }) => from === "client").flatMap(({ examples }) => examples)
    const named = new Set(commands.flatMap((command) => Object.keys(Object(command))))
    for (const method of Object.keys(requests)) expect(named, method).toContain(method)
    const refs = JSON.stringify(document).match(/"\$ref":"[^"]+"/g) ?? []
    expect(refs.length).toBeGreaterThan(50)
    for (const ref of refs) {
      const path = ref.slice('"$ref":"#/'.length, -1).split("/")
      expect(member(document, ...path), ref).toBeDefined()
    }
  })

  const all = [
    ["classic", classicMessages],
    ["centrifuge", protocolMessages]
  ] as const
  for (const [channel, messages] of all) {
    it(`has examples of each message of ${channel} that its schema, and the one it stands in the document with, take`, () => {
      const ajv = new Ajv({ strict: false, validateFormats: false })
      for (const { examples, name, schema } of messages) {
        const decode = Schema.decodeUnknownExit(schema)
        const shown = member(document, "channels", channel, "messages", name)
        expect(member(shown, "examples"), name).toEqual(examples.map((payload) => ({ payload })))
        const fits = ajv.compile(Object(member(shown, "payload")))
        for (const example of examples) {
          const about = `${name} ${JSON.stringify(example)}`
          expect(Exit.isSuccess(decode(example, { onExcessProperty: "error" })), about).toBe(true)
          expect(fits(example), about).toBe(true)
        }
        expect(examples.length, name).toBeGreaterThan(0)
        // It is no schema that takes anything.
        expect(fits(7), name).toBe(false)
      }
    })
  }

  it("has whatever the classic wire says", async () => {
    const parley = await startTestServer({ messageRate: 1, messageBurst: 4 })
    const nameOf = namedBy(classicMessages)
    const alice = await parley.createUser("alice_01")
    const [client, ahead] = [await parley.connect({ user: alice }), await parley.connect({ since: 99 })]
    client.send({ type: "auth", token: alice.token })
    for (const message of ["hi", "hi", "other"]) client.send({ message, id: "m-1" })
    client.send({ message: "too many" })
    const told = [...(await client.receiveNotices(4)), ...(await ahead.receiveNotices(1)), ...(await client.receive(1))]
    expect(told.map(nameOf)).toEqual(["notice", "notice", "notice", "notice", "notice", "delivery"])
    await parley.stop()
  })

  it("shows of what clients send only what the wires take", () => {
    for (const { examples, from, name } of classicMessages) {
      if (from !== "client") continue
      for (const example of examples) {
        expect(decodeFrame(JSON.stringify(example))._tag).toBe(name === "auth" ? "Auth" : "Message")
      }
    }
    for (const { examples, from, name } of protocolMessages) {
      if (from !== "client") continue
      for (const example of examples) expect(commandOf(example)._tag).toBe(name === "pong" ? "Pong" : "Command")
    }
  })
})
