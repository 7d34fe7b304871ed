import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { chatLayer } from "../../../src/ChatLayer.ts"
import { memoryAccount, memoryChatOptions, memoryStores } from "../../support/MemoryChat.ts"
import { classicClient, protocolClient } from "../../support/MemoryClients.ts"
import { subscriptionToken } from "../../support/SubscriptionToken.ts"

const parley = chatLayer(memoryChatOptions).pipe(Layer.provide(memoryStores), Layer.orDie)

/** The clock of these tests begins in 1970: a token of a minute. */
const tokenFor = (channel: string, sub = "") => subscriptionToken({ sub, channel, exp: 60 })

const forged = (channel: string) =>
  subscriptionToken({ sub: "", channel, exp: 60 }, { secret: "another secret, of 32 bytes too!" })

const refused = { error: { code: 103, message: "permission denied" } }

/** One of the wire's doors to what a private room holds. */
const doors = {
  publish: (channel: string) => ({ publish: { channel, data: 1 } }),
  history: (channel: string) => ({ history: { channel, limit: 1 } }),
  presence: (channel: string) => ({ presence: { channel } }),
  presence_stats: (channel: string) => ({ presence_stats: { channel } }),
  rpc: (room: string) => ({ rpc: { method: "parley.room", data: { room } } }),
  sub_refresh: (channel: string) => ({ sub_refresh: { channel, token: tokenFor(channel) } })
}

const perTest = <A, E>(effect: Effect.Effect<A, E, Layer.Success<typeof parley>>) =>
  effect.pipe(Effect.provide(parley), Effect.scoped)

describe("a private room", () => {
  for (const [door, command] of Object.entries(doors)) {
    it.effect(`is closed to ${door} but for whoever is subscribed to it, and only as long as he is`, () =>
      perTest(
        Effect.gen(function* () {
          const client = yield* protocolClient()
          expect(yield* client.asks(command("$staff"))).toMatchObject(refused)
          yield* client.asks({ subscribe: { channel: "$other", token: tokenFor("$other") } })
          expect(yield* client.asks(command("$staff"))).toMatchObject(refused)
          yield* client.asks({ subscribe: { channel: "$staff", token: tokenFor("$staff") } })
          expect(yield* client.asks(command("$staff"))).toHaveProperty(door)
          yield* client.asks({ unsubscribe: { channel: "$staff" } })
          expect(yield* client.asks(command("$staff"))).toMatchObject(refused)
        })
      )
    )
  }

  it.effect("is closed to subscribe but for whoever shows a token of this room and of himself", () =>
    perTest(
      Effect.gen(function* () {
        const [guest, alice] = [
          yield* protocolClient(),
          yield* protocolClient(Redacted.value(yield* memoryAccount("alice_01")))
        ]
        const wrong = [undefined, "", "garbage", forged("$staff"), tokenFor("$other"), tokenFor("$staff", "bob_0001")]
        for (const client of [guest, alice]) {
          for (const token of wrong) {
            const subscribe = { channel: "$staff", ...(token === undefined ? {} : { token }) }
            expect(yield* client.asks({ subscribe }), String(token)).toMatchObject(refused)
          }
        }
        // Each one's is for himself alone.
        expect(
          yield* guest.asks({ subscribe: { channel: "$staff", token: tokenFor("$staff", "alice_01") } })
        ).toMatchObject(refused)
        expect(yield* alice.asks({ subscribe: { channel: "$staff", token: tokenFor("$staff") } })).toMatchObject(
          refused
        )
        expect(yield* guest.asks({ subscribe: { channel: "$staff", token: tokenFor("$staff") } })).toMatchObject({
          subscribe: { expires: true, ttl: 60 }
        })
        expect(
          yield* alice.asks({ subscribe: { channel: "$staff", token: tokenFor("$staff", "alice_01") } })
        ).toHaveProperty("subscribe")
      })
    )
  )

  it.effect("is closed to a token whose time is over (109: get another), and left when it ends", () =>
    perTest(
      Effect.gen(function* () {
        const [client, refreshed] = [yield* protocolClient(), yield* protocolClient()]
        const token = tokenFor("$staff")
        for (const { asks } of [client, refreshed]) yield* asks({ subscribe: { channel: "$staff", token } })
        const longer = subscriptionToken({ sub: "", channel: "$staff", exp: 600 })
        const other = subscriptionToken({ sub: "", channel: "$other", exp: 600 })
        expect(yield* refreshed.asks({ sub_refresh: { channel: "$staff", token: other } })).toMatchObject(refused)
        expect(yield* refreshed.asks({ sub_refresh: { channel: "$staff", token: longer } })).toMatchObject({
          sub_refresh: { expires: true, ttl: 600 }
        })
        yield* TestClock.adjust("70 seconds")
        const { push } = yield* client.gets((value) => value.push?.unsubscribe !== undefined)
        expect(push).toMatchObject({ channel: "$staff", unsubscribe: { code: 2_501 } })
        expect(yield* client.asks(doors.history("$staff"))).toMatchObject(refused)
        expect(yield* client.asks({ subscribe: { channel: "$staff", token } })).toMatchObject({ error: { code: 109 } })
        expect(yield* refreshed.asks(doors.history("$staff"))).toHaveProperty("history")
      })
    )
  )

  it.effect(
    "is closed to the classic wire's ?room= (4505) but for whoever shows a token of this room and of himself",
    () =>
      perTest(
        Effect.gen(function* () {
          const token = yield* memoryAccount("alice_01")
          const wrong = [undefined, "garbage", forged("$staff"), tokenFor("$other"), tokenFor("$staff", "bob_0001")]
          for (const own of [undefined, token]) {
            for (const roomToken of [
              ...wrong,
              own === undefined ? tokenFor("$staff", "alice_01") : tokenFor("$staff")
            ]) {
              const client = yield* classicClient("$staff", {
                token: own,
                roomToken: roomToken === undefined ? undefined : Redacted.make(roomToken)
              })
              yield* client.until(() => client.closes.length > 0)
              expect(client.closes[0]?.code, roomToken).toBe(4_505)
              expect(client.came).toEqual([])
            }
          }
          const alice = yield* classicClient("$staff", {
            token,
            roomToken: Redacted.make(tokenFor("$staff", "alice_01"))
          })
          alice.send({ message: "in" })
          yield* alice.until(() => alice.came.length > 0)
          expect(alice.came).toMatchObject([{ from: "alice_01", message: "in", room: "$staff" }])
        })
      )
  )

  it.effect("is left by a socket of the classic wire when its token ends (4001: come back with another)", () =>
    perTest(
      Effect.gen(function* () {
        const client = yield* classicClient("$staff", { roomToken: Redacted.make(tokenFor("$staff")) })
        client.send({ from: "somebody", message: "in" })
        yield* client.until(() => client.came.length > 0)
        for (let second = 0; second < 70 && client.closes.length === 0; second += 10) {
          yield* TestClock.adjust("10 seconds")
        }
        yield* client.until(() => client.closes.length > 0)
        expect(client.closes[0]?.code).toBe(4_001)
        const late = yield* classicClient("$staff", { roomToken: Redacted.make(tokenFor("$staff")) })
        yield* late.until(() => late.closes.length > 0)
        expect(late.closes[0]?.code).toBe(4_001)
      })
    )
  )
})
