import { describe, expect, it } from "@effect/vitest"
import { Outbox, maxTries } from "../../../../src/adapters/http/page/assets/connection/outbox.js"
import { readPublication, readPublications } from "../../../../src/adapters/http/page/assets/connection/publication.js"

interface Failure {
  readonly code: number
  readonly message: string
  readonly temporary?: boolean
}

/** A room's outbox against answers that the test gives: `undefined` takes the message, `"no line"` is no line. */
const against = (answers: Array<Failure | "no line" | undefined>, texts = ["one", "two", "three"]) => {
  const waiting = texts.map((text, n) => ({ id: `id-${n + 1}`, text }))
  const published: Array<string> = []
  const failed: Array<readonly [id: string, reason: string, retryable: boolean]> = []
  const pauses: Array<number> = []
  const take = (id: string) => {
    const index = waiting.findIndex((one) => one.id === id)
    if (index >= 0) waiting.splice(index, 1)
  }
  const outbox = new Outbox({
    next: () => {
      const [first] = waiting
      return first === undefined
        ? undefined
        : { ...first, at: 0, author: "guest", state: "pending", reason: "", retryable: true }
    },
    publish: (_, { id }) => {
      const answer = answers.shift()
      if (answer === "no line") return undefined
      published.push(id)
      return answer === undefined ? Promise.resolve({}) : Promise.reject(answer)
    },
    sent: (_, id) => take(id),
    failed: (_, id, reason, retryable) => {
      failed.push([id, reason, retryable])
      take(id)
    },
    pause: (ms) => {
      pauses.push(ms)
      return Promise.resolve()
    }
  })
  return { outbox, published, failed, pauses, waiting }
}

describe("what waits to be sent", () => {
  it("goes out in the order it was written, each after the answer of the one before", async () => {
    const { outbox, published, waiting } = against([])
    await Promise.all([outbox.pump("lobby"), outbox.pump("lobby")])
    expect([published, waiting]).toEqual([["id-1", "id-2", "id-3"], []])
  })

  it("waits while there is no line, and goes on with the same ids", async () => {
    const { outbox, published } = against([undefined, "no line"])
    await outbox.pump("lobby")
    expect(published).toEqual(["id-1"])
    await outbox.pump("lobby")
    expect(published).toEqual(["id-1", "id-2", "id-3"])
  })

  it("what got no answer is sent again under its id before anything later", async () => {
    const { outbox, published } = against([{ code: 1, message: "timeout" }])
    await outbox.pump("lobby")
    expect(published).toEqual(["id-1", "id-1", "id-2", "id-3"])
  })

  it("who was too fast waits as long as the server says, however often", async () => {
    const slow = { code: 111, message: "too many requests: try again in 250 ms", temporary: true }
    const { failed, outbox, pauses, published } = against(Array.from({ length: maxTries + 2 }, () => slow))
    await outbox.pump("lobby")
    expect(pauses).toEqual(Array(maxTries + 2).fill(250))
    expect(published.slice(-3)).toEqual(["id-1", "id-2", "id-3"])
    expect(failed).toEqual([])
  })

  it("what the server refuses for the moment is tried a few times, then its author is asked", async () => {
    const away = { code: 100, message: "internal server error", temporary: true }
    const { failed, outbox } = against(
      Array.from({ length: maxTries + 1 }, () => away),
      ["one"]
    )
    await outbox.pump("lobby")
    expect(failed).toEqual([["id-1", "Internal server error.", true]])
  })

  it("what the server refuses for good fails, and the next one goes out", async () => {
    const { failed, outbox, published } = against([
      { code: 410, message: "taken" },
      { code: 106, message: "limit" }
    ])
    await outbox.pump("lobby")
    expect(failed).toEqual([
      ["id-1", "This name is taken: choose another, or sign in.", true],
      ["id-2", "This message is too long.", false]
    ])
    expect(published.at(-1)).toBe("id-3")
  })

  it("what is too large for the server is not sent: it would close the line", async () => {
    const { failed, outbox, published } = against([], ["ü".repeat(8_000), "small"])
    await outbox.pump("lobby")
    expect(failed).toEqual([["id-1", "This message is too long.", false]])
    expect(published).toEqual(["id-2"])
  })
})

describe("a publication, as the page reads it", () => {
  const data = { from: "ada", message: "hello", date: "2026-11-22T10:00:00.000Z", id: "x" }

  it("is an account's, a guest's or a service's, by what the server says and never by what was written", () => {
    expect(readPublication({ data, offset: 3, info: { user: "ada", client: "" } })).toEqual({
      seq: 3,
      id: "x",
      from: "ada",
      text: "hello",
      at: Date.UTC(2026, 10, 22, 10),
      kind: "account"
    })
    const guest = { client: "", user: "", connInfo: { name: "ada", guest: true } }
    expect(readPublication({ data: { ...data, kind: "account" }, offset: 3, info: guest })).toMatchObject({
      kind: "guest"
    })
    const service = { client: "", user: "", connInfo: { name: "bot", service: true } }
    expect(readPublication({ data, offset: 3, info: service })).toMatchObject({ kind: "service", from: "bot" })
    expect(readPublication({ data, offset: 3 })).toMatchObject({ kind: "guest" })
  })

  it("shows what is no chat message as its JSON", () => {
    expect(readPublication({ data: { score: [1, 2] }, offset: 1, info: {} })).toMatchObject({ text: '{"score":[1,2]}' })
    expect(readPublication({ data: { message: 5, from: {} }, offset: 1 })).toMatchObject({
      text: '{"message":5,"from":{}}'
    })
  })

  it("is nothing where it has no position that can be", () => {
    for (const offset of [0, -1, 1.5, "3", NaN, Infinity, 2 ** 60, undefined, null]) {
      expect(readPublication({ data, offset }), String(offset)).toBeUndefined()
    }
    for (const value of [null, 1, "x", [], {}, { offset: 1 }]) expect(readPublication(value)).toBeUndefined()
    expect(readPublications("no list")).toEqual([])
  })

  it("a page comes sorted, whichever way it was asked for", () => {
    const page = [3, 2, 1].map((offset) => ({ data, offset, info: {} }))
    expect(readPublications(page).map(({ seq }) => seq)).toEqual([1, 2, 3])
  })
})
