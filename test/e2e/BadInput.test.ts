import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest"
import { ChatClient } from "../support/ChatClient.ts"
import { frameOf, RawSocket } from "../support/RawSocket.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"
import type { Started } from "../support/ServerProcess.ts"
import { onEachStores } from "../support/Stores.ts"

/** Whatever comes, two neighbours chat before it and after it, and miss nothing. */
await onEachStores("what no client should send", (stores) => {
  const server = new ServerProcess(stores)
  let started: Started
  let neighbours: ReadonlyArray<ChatClient>
  let rounds = 0
  beforeAll(async () => {
    started = await server.up(unlimited)
    const url = `${started.socketUrl}?room=neighbours&since=0`
    neighbours = await Promise.all([ChatClient.connect(url), ChatClient.connect(url)])
  })
  afterAll(() => server.remove())

  const chatOn = async () => {
    rounds++
    const [one] = neighbours
    one?.say(`round ${rounds}`)
    await Promise.all(neighbours.map((client) => client.delivered(`round ${rounds}`)))
    for (const { messages } of neighbours) expect(messages.at(-1)?.seq).toBe(rounds)
    expect(started.child.exitCode).toBeNull()
  }
  beforeEach(chatOn)
  afterEach(chatOn)

  const frame = (fields: object) => JSON.stringify({ from: "visitor", message: "hello", ...fields })

  it.each<[what: string, data: string | Buffer, code: string, says: RegExp]>([
    ["what is not JSON", "hello", "bad_frame", /not JSON/],
    ["nothing", "", "bad_frame", /not JSON/],
    ["half of a frame", '{"from":"visitor","mess', "bad_frame", /not JSON/],
    ["an array", "[]", "bad_frame", /from.*message.*date/],
    ["null", "null", "bad_frame", /from.*message.*date/],
    ["a message that is a number", frame({ message: 5 }), "bad_frame", /message: .*string/],
    ["a from that is an object", frame({ from: {} }), "bad_frame", /from: .*string/],
    ["a date that is a number", frame({ date: 1 }), "bad_frame", /date: .*string/],
    ["no message", '{"from":"visitor"}', "bad_frame", /message: .*[Mm]issing/],
    ["no from, as a guest", '{"message":"hello"}', "bad_frame", /from: Missing/],
    ["an unknown field", frame({ colour: "red" }), "bad_frame", /colour/],
    ["a position of its own", frame({ seq: 1 }), "bad_frame", /seq/],
    ["an empty message", frame({ message: "" }), "bad_frame", /message: .*not empty/],
    ["a message of blanks", frame({ message: " \n\t" }), "bad_frame", /message: .*not empty/],
    ["a message of 17 KB", frame({ message: "x".repeat(17 * 1024) }), "frame_too_large", /16 KiB/],
    ["a binary frame", Buffer.from(frame({})), "binary_frame", /[Bb]inary/],
    ["a lone surrogate as a name", '{"from":"half \\ud83d","message":"hello"}', "name_reserved", /name/],
    ["a lone surrogate as an id", '{"from":"visitor","message":"hello","id":"\\udc00"}', "bad_frame", /id: /],
    ["1e400 for an id", '{"from":"visitor","message":"hello","id":1e400}', "bad_frame", /id: /],
    ["an id of 129 characters", frame({ id: "x".repeat(129) }), "bad_frame", /id: /],
    ["an auth frame without a token", '{"type":"auth"}', "bad_frame", /token/],
    ["the server's own name", frame({ from: "system" }), "name_reserved", /reserved/],
    ["a look-alike of it", frame({ from: "sуstem" }), "name_reserved", /reserved/]
  ])("%s: a clear error to its sender alone, and the socket stays", async (_, data, code, says) => {
    const client = await ChatClient.connect(started.socketUrl, { room: "bad", since: 0 })
    const witness = await ChatClient.connect(started.socketUrl, { room: "bad", history: 0 })
    await witness.settled()
    const answer = await client.answerTo(data)
    expect(answer).toMatchObject({ from: "system", error: { code, retryable: false } })
    expect(answer.message).toMatch(says)
    expect(answer.message.length).toBeLessThan(500)
    client.say("and a good one")
    await Promise.all([client.delivered("and a good one"), witness.delivered("and a good one")])
    expect(witness.frames.map(({ message }) => message).slice(1)).toEqual(["and a good one"])
    await Promise.all([client.close(), witness.close()])
  })

  it("the id of a bad frame stands in its error", async () => {
    const client = await ChatClient.connect(started.socketUrl)
    const answer = await client.answerTo({ from: "visitor", message: "", id: "mine" })
    expect(answer.error).toMatchObject({ code: "bad_frame", id: "mine" })
    await client.close()
  })

  it("what the server says is dated by the time of day, as messages are", async () => {
    const client = await ChatClient.connect(started.socketUrl)
    const before = Date.now()
    const { date } = await client.answerTo("hello")
    expect(Date.parse(date)).toBeGreaterThanOrEqual(before)
    expect(Date.parse(date)).toBeLessThanOrEqual(Date.now())
    await client.close()
  })

  it("a connection that is cut in the middle of a frame ends nothing", async () => {
    const raw = await RawSocket.handshake(started.socketUrl)
    await raw.write(frameOf("x".repeat(50), { length: 5_000 }))
    raw.socket.resetAndDestroy()
    await raw.ended
  })
})
