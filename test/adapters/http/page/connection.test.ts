import { describe, expect, it } from "@effect/vitest"
import { maxFrameBytes } from "../../../../src/adapters/http/page/assets/frames.js"
import { patience } from "../../../../src/adapters/http/page/assets/answers.js"
import { backoff } from "../../../../src/adapters/http/page/assets/backoff.js"
import { renewSocketBefore } from "../../../../src/adapters/http/page/assets/connection.js"
import { connected, frame, settled } from "./HandMoved.ts"

const date = "2026-11-22T10:00:00.000Z"

const live = async (given: Parameters<typeof connected>[0] = {}) => {
  const all = connected(given)
  all.connection.start()
  await settled()
  all.last().open()
  return all
}

describe("the page's connection", () => {
  it("asks for the newest messages first, and after a loss for what came after the last it has", async () => {
    const { clock, last, lines } = await live()
    expect(Object.fromEntries(last().address.searchParams)).toEqual({ room: "lobby", history: "50" })
    last().say(frame(41))
    last().say(frame(42))
    last().close(1006)
    await clock.pass(backoff.first)
    expect(lines.length).toBe(2)
    expect(Object.fromEntries(last().address.searchParams)).toEqual({ room: "lobby", since: "42" })
  })

  it("shows nothing twice and misses nothing over a reconnect", async () => {
    const { clock, last, timeline } = await live()
    last().say(frame(1))
    last().close(1012)
    await clock.pass(backoff.first)
    last().open()
    last().say(frame(1))
    last().say(frame(2))
    expect(timeline.messages.map(({ seq }) => seq)).toEqual([1, 2])
  })

  it("a hole makes it come back for what is missing", async () => {
    const { clock, last, lines, timeline } = await live()
    last().say(frame(1))
    last().say(frame(3))
    expect(lines[0]?.closedByPage).toBe(true)
    await clock.pass(backoff.first)
    expect(last().address.searchParams.get("since")).toBe("1")
    last().open()
    last().say(frame(2))
    last().say(frame(3))
    expect(timeline.messages.map(({ seq }) => seq)).toEqual([1, 2, 3])
  })

  it("waits longer from try to try, up to a bound, and short again after a connection that lived", async () => {
    const { clock, connection, last } = await live()
    const waits: Array<number> = []
    const note = () => {
      const { state } = connection
      if (state.phase === "waiting") waits.push(state.until - clock.time)
    }
    for (let tries = 0; tries < 10; tries++) {
      last().close(1006)
      await settled()
      note()
      await clock.pass(waits.at(-1) ?? 0)
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000])
    last().open()
    await clock.pass(10_000)
    last().close(1006)
    note()
    expect(waits.at(-1)).toBe(500)
  })

  it.each([1001, 1006, 1012, 1013, 3000, 3499, 4008, 4009, 4029, 4499])(
    "comes back after close code %i",
    async (code) => {
      const { clock, last, lines } = await live()
      last().close(code)
      await clock.pass(backoff.first)
      expect(lines.length).toBe(2)
    }
  )

  it.each([3500, 3999, 4501, 4502, 4503, 4504, 4505, 4999])("does not come back after close code %i", async (code) => {
    const { clock, connection, last, lines } = await live()
    last().close(code)
    await clock.pass(10 * backoff.last)
    expect(lines.length).toBe(1)
    expect(connection.state).toEqual({ phase: "ended", code })
  })

  it("brings the token as a subprotocol, never in the address", async () => {
    const { last } = await live({
      credentials: () => ({ kind: "token", token: "abc.def.ghi", expiresAt: Number.POSITIVE_INFINITY })
    })
    expect(last().protocols).toEqual(["bearer", "abc.def.ghi"])
    expect(last().address.href).not.toContain("abc")
  })

  it("an expired token is renewed before it comes back, at once", async () => {
    let token = "old"
    const { calls, last, lines } = await live({
      credentials: () => ({ kind: "token", token, expiresAt: Number.POSITIVE_INFINITY }),
      renew: () => {
        token = "new"
        return "renewed"
      }
    })
    last().close(4001)
    await settled()
    expect(calls.renewed).toBe(1)
    expect(lines.length).toBe(2)
    expect(last().protocols).toEqual(["bearer", "new"])
  })

  it("a login that cannot be renewed is over", async () => {
    const { connection, last } = await live({ renew: () => "ended" })
    last().close(4001)
    await settled()
    expect(connection.state).toEqual({ phase: "ended", code: 4502 })
  })

  it("a token that is refused is renewed once: another page may have made it void", async () => {
    const { calls, connection, last, lines } = await live({
      credentials: () => ({ kind: "token", token: "t", expiresAt: Number.POSITIVE_INFINITY }),
      renew: () => "renewed"
    })
    last().close(4500)
    await settled()
    expect(lines.length).toBe(2)
    last().open()
    last().close(4500)
    await settled()
    expect(calls).toEqual({ renewed: 1, ended: 1 })
    expect(connection.state).toEqual({ phase: "ended", code: 4500 })
  })

  it("a logout elsewhere ends the login here", async () => {
    const { calls, last } = await live()
    last().close(4502)
    expect(calls.ended).toBe(1)
  })

  it("gives the open socket a fresh token before the old one ends", async () => {
    const expires = 10 * 60_000
    let expiresAt = expires
    const { clock, last, lines } = await live({
      credentials: () => ({ kind: "token", token: `until ${expiresAt}`, expiresAt }),
      renew: () => {
        expiresAt += expires
        return "renewed"
      }
    })
    await clock.pass(expires - renewSocketBefore - 1)
    expect(last().sent).toEqual([])
    await clock.pass(1)
    await settled()
    expect(last().sent).toEqual([{ type: "auth", token: `until ${2 * expires}` }])
    expect(lines.length).toBe(1)
  })

  it("sends what nobody confirmed again, in its order and under its id, and what was confirmed never", async () => {
    const { clock, connection, last, timeline } = await live()
    for (const id of ["a", "b", "c"]) connection.send(timeline.write(id, `text ${id}`, date))
    expect(last().sent.map(({ id }) => id)).toEqual(["a", "b", "c"])
    last().say(frame(1, "a"))
    last().close(1006)
    await clock.pass(backoff.first)
    last().open()
    expect(last().sent).toEqual([
      { from: "guest-1", message: "text b", date, id: "b" },
      { from: "guest-1", message: "text c", date, id: "c" }
    ])
    last().say({ from: "system", message: "You already sent this.", ack: { id: "b", seq: 1 } })
    last().say(frame(2, "c"))
    expect(timeline.outgoing.size).toBe(0)
  })

  it("keeps what is written while the line is down, and sends it when it is back", async () => {
    const { clock, connection, last, timeline } = await live()
    last().close(1006)
    connection.send(timeline.write("a", "text", date))
    await clock.pass(backoff.first)
    last().open()
    expect(last().sent.map(({ id }) => id)).toEqual(["a"])
  })

  it("a rejection stands at its message, one without an id in the log", async () => {
    const { connection, last, timeline } = await live()
    connection.send(timeline.write("a", "text", date))
    last().say({ from: "system", message: "Too fast.", error: { code: "rate_limited", retryable: true, id: "a" } })
    expect(timeline.outgoing.get("a")).toMatchObject({ state: "rejected", reason: "Too fast.", retryable: true })
    last().say({ from: "system", message: "Not JSON.", error: { code: "bad_frame", retryable: false } })
    expect(timeline.notices.map(({ text }) => text)).toEqual(["Not JSON."])
  })

  it("after a refusal that names no message, what is not confirmed goes again in time, one by one and in its order", async () => {
    const { clock, connection, last, timeline } = await live()
    const again = () =>
      last()
        .sent.slice(3)
        .map(({ id }) => id)
    for (const id of ["a", "b", "c"]) connection.send(timeline.write(id, "text", date))
    const refusal = {
      from: "system",
      message: "Too many messages.",
      error: { code: "rate_limited", retryable: true, retryAfterMs: 300 }
    }
    last().say(refusal)
    last().say(refusal)
    last().say(frame(1, "a"))
    connection.send(timeline.write("d", "text", date))
    await clock.pass(299)
    expect(again()).toEqual([])
    await clock.pass(1)
    expect(again()).toEqual(["b"])
    last().say(refusal)
    await clock.pass(300)
    expect(again()).toEqual(["b", "b"])
    last().say(frame(2, "b"))
    last().say(frame(3, "c"))
    connection.send(timeline.write("e", "text", date))
    last().say(frame(4, "d"))
    last().say(frame(5, "e"))
    expect(again()).toEqual(["b", "b", "c", "d", "e"])
    expect(timeline.notices).toEqual([])
    for (const id of ["f", "g"]) connection.send(timeline.write(id, "text", date))
    expect(again().slice(5)).toEqual(["f", "g"])
  })

  it("the answer to a fresh token is shown to nobody", async () => {
    const { last, timeline } = await live()
    last().say({ from: "system", message: "You are logged in as ada.", auth: { username: "ada", expires: date } })
    expect(timeline.notices).toEqual([])
  })

  it("an unknown outcome is settled by sending the same id again", async () => {
    const { clock, connection, last, timeline } = await live()
    connection.send(timeline.write("a", "text", date))
    last().say({
      from: "system",
      message: "Not known yet.",
      error: { code: "outcome_unknown", retryable: true, retryAfterMs: 700, id: "a" }
    })
    expect(timeline.unconfirmed().length).toBe(1)
    await clock.pass(699)
    expect(last().sent.length).toBe(1)
    await clock.pass(1)
    expect(last().sent.map(({ id }) => id)).toEqual(["a", "a"])
  })

  it("what the server would close upon is not sent, and what it closed upon is not sent again", async () => {
    const { clock, connection, last, timeline } = await live()
    connection.send(timeline.write("long", "é".repeat(maxFrameBytes / 2), date))
    expect(last().sent).toEqual([])
    expect(timeline.outgoing.get("long")).toMatchObject({ state: "rejected", retryable: false })
    connection.send(timeline.write("bad", "text", date))
    last().close(1009)
    await clock.pass(backoff.first)
    last().open()
    expect(last().sent).toEqual([])
    expect(timeline.outgoing.get("bad")).toMatchObject({ state: "rejected" })
  })

  it("a line that gives no answer is given up, and so is one that does not open", async () => {
    const { clock, connection, last, lines, timeline } = await live()
    connection.send(timeline.write("a", "text", date))
    await clock.pass(patience + backoff.first)
    expect(lines.length).toBe(2)
    await clock.pass(patience + 2 * backoff.first)
    expect(lines.length).toBe(3)
    last().open()
    expect(last().sent.map(({ id }) => id)).toEqual(["a"])
  })

  it("a position that the log does not have starts it anew, with what was not confirmed", async () => {
    const { connection, last, timeline } = await live()
    last().say(frame(900))
    connection.send(timeline.write("a", "text", date))
    last().say({ from: "system", message: "Unknown position.", error: { code: "position_unknown", retryable: false } })
    await settled()
    expect(timeline.messages).toEqual([])
    expect(last().address.searchParams.get("history")).toBe("50")
    last().open()
    expect(last().sent.map(({ id }) => id)).toEqual(["a"])
  })

  it("where the socket port does not answer, the page's own port is tried", async () => {
    const { clock, connection, last } = connected({ origins: ["ws://localhost:8080", "ws://localhost:4000"] })
    connection.start()
    await settled()
    expect(last().address.port).toBe("8080")
    last().close(1006)
    await clock.pass(backoff.first)
    expect(last().address.port).toBe("4000")
  })

  it("what a socket says after it was given up is not heard", async () => {
    const { connection, last, timeline } = await live()
    connection.stop()
    last().say(frame(1))
    last().close(1006)
    await settled()
    expect(timeline.messages).toEqual([])
    expect(connection.state).toEqual({ phase: "stopped" })
  })
})
