import { randomUUID } from "node:crypto"
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest"
import type { DurableHost, Host } from "./Host.ts"
import { SdkClients } from "./SdkClient.ts"
import type { SdkClient } from "./SdkClient.ts"
import { SdkError } from "./SdkDriver.ts"
import type { Encoding, StartDriver } from "./SdkDriver.ts"

const texts = (publications: ReadonlyArray<{ readonly data: unknown }>): ReadonlyArray<unknown> =>
  publications.map(({ data }) => (data as { readonly text?: unknown }).text)

const isTerminal = (code: number): boolean => (code >= 3500 && code < 4000) || (code >= 4500 && code < 5000)

const refusal = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "no refusal",
    (cause: unknown) => (cause instanceof SdkError ? cause.code : cause)
  )

/** What a test works with. */
class Stage<H extends Host> {
  readonly host: H
  readonly clients: SdkClients
  readonly encoding: Encoding
  readonly room = `room-${randomUUID().slice(0, 8)}`

  constructor(host: H, clients: SdkClients, encoding: Encoding) {
    this.host = host
    this.clients = clients
    this.encoding = encoding
  }

  /** Somebody new, connected. */
  async somebody(url: string = this.host.url) {
    const person = await this.host.person()
    const client = await this.clients.open({
      url,
      encoding: this.encoding,
      token: person.token,
      tokens: person.another
    })
    return { ...person, client, id: await client.connect() }
  }

  async say(client: SdkClient, ...said: ReadonlyArray<string>): Promise<void> {
    for (const text of said) await client.publish(this.room, { text })
  }
}

/** Declares that a server is there while the tests of this block run. */
export const hosted = <H extends Host>(make: () => Promise<H>): (() => H) => declared(make, (host) => host.remove())

/** The same of an SDK. */
export const driven = (start: StartDriver): (() => SdkClients) =>
  declared(
    () => SdkClients.start(start),
    (clients) => clients.close()
  )

const declared = <A>(make: () => Promise<A>, end: (made: A) => Promise<void>): (() => A) => {
  let made: A | undefined
  beforeAll(async () => {
    made = await make()
  })
  afterAll(async () => {
    if (made !== undefined) await end(made)
  })
  return () => {
    if (made === undefined) throw new Error("it did not start")
    return made
  }
}

/** Where scenarios are played. */
export interface Setting<H extends Host = Host> {
  readonly host: () => H
  readonly clients: () => SdkClients
  readonly encoding: Encoding
}

const stages = <H extends Host>({ clients, encoding, host }: Setting<H>): (() => Stage<H>) => {
  let stage: Stage<H> | undefined
  beforeEach(() => {
    stage = new Stage(host(), clients(), encoding)
  })
  afterEach(() => clients().disconnect())
  return () => {
    if (stage === undefined) throw new Error("no stage")
    return stage
  }
}

/** What every server of the protocol promises to every SDK. */
export const protocolScenarios = (setting: Setting): void => {
  const on = stages(setting)

  it("connects without a token, and reads a room", async () => {
    const { clients, encoding, host, room } = on()
    const guest = await clients.open({ url: host.url, encoding })
    expect(await guest.connect()).not.toBe("")
    expect((await guest.subscribe(room)).offset).toBe(0)
    const { client } = await on().somebody()
    await on().say(client, "a")
    expect(texts([await guest.next("publication")])).toEqual(["a"])
  })

  it("connects with a token, and speaks in its account's name", async () => {
    const { room } = on()
    const { client, name } = await on().somebody()
    await client.subscribe(room)
    await on().say(client, "a", "b")
    const got = await client.all("publication", 2)
    expect(got.map(({ data, offset, user }) => ({ data, offset, user }))).toEqual([
      { data: { text: "a" }, offset: 1, user: name },
      { data: { text: "b" }, offset: 2, user: name }
    ])
  })

  it("asks for its first token where it has none", async () => {
    const { clients, encoding, host } = on()
    const { another } = await host.person()
    const client = await clients.open({ url: host.url, encoding, tokens: another })
    await client.connect()
    expect(client.of("token").length).toBe(1)
  })

  it("is told for good that a token is nobody's", async () => {
    const { clients, encoding, host } = on()
    const client = await clients.open({ url: host.url, encoding, token: "e30.e30.e30" })
    await client.startConnecting()
    expect(await client.next("disconnected")).toSatisfy(({ code }: { readonly code: number }) => isTerminal(code))
  })

  it("reads the history forwards, backwards, from a position and in pages", async () => {
    const { room } = on()
    const { client } = await on().somebody()
    await on().say(client, "a", "b", "c", "d")
    const { position, publications } = await client.history(room)
    expect(texts(publications)).toEqual(["a", "b", "c", "d"])
    expect(publications.map(({ offset }) => offset)).toEqual([1, 2, 3, 4])
    expect(position.offset).toBe(4)
    const page = async (options: Parameters<SdkClient["history"]>[1]) =>
      texts((await client.history(room, options)).publications)
    const since = (offset: number) => ({ since: { offset, epoch: position.epoch } })
    expect(await page({ limit: 2 })).toEqual(["a", "b"])
    expect(await page({ limit: 0 })).toEqual([])
    expect(await page({ reverse: true, limit: 2 })).toEqual(["d", "c"])
    expect(await page(since(2))).toEqual(["c", "d"])
    expect(await page({ ...since(1), limit: 1 })).toEqual(["b"])
    expect(await page({ ...since(3), reverse: true })).toEqual(["b", "a"])
    expect(await refusal(client.history(room, { since: { offset: 2, epoch: "another" } }))).toBe(112)
  })

  it("sees who is there, who comes and who goes", async () => {
    const { room } = on()
    const ann = await on().somebody()
    const bob = await on().somebody()
    await ann.client.subscribe(room)
    await bob.client.subscribe(room)
    expect(await ann.client.next("join", ({ id }) => id === bob.id)).toMatchObject({ channel: room, user: bob.name })
    expect(await ann.client.presence(room)).toEqual({ [ann.id]: ann.name, [bob.id]: bob.name })
    expect(await ann.client.presenceStats(room)).toEqual({ numClients: 2, numUsers: 2 })
    await bob.client.unsubscribe(room)
    expect(await ann.client.next("leave", ({ id }) => id === bob.id)).toMatchObject({ channel: room, user: bob.name })
    expect(await ann.client.presence(room)).toEqual({ [ann.id]: ann.name })
  })

  it("gets nothing more of a room that it left, and all of it when it comes back", async () => {
    const { room } = on()
    const ann = await on().somebody()
    const bob = await on().somebody()
    await ann.client.subscribe(room)
    await on().say(bob.client, "a")
    await ann.client.next("publication")
    await ann.client.unsubscribe(room)
    await on().say(bob.client, "b")
    // What is on its way to a socket comes in order: before this answer.
    expect(texts((await ann.client.history(room)).publications)).toEqual(["a", "b"])
    expect(texts(ann.client.publications(room))).toEqual(["a"])
    await ann.client.subscribe(room)
    await on().say(bob.client, "c")
    const heard = texts(await ann.client.all("publication", 3, ({ channel }) => channel === room))
    expect(heard).toEqual(["a", "b", "c"])
  })

  it("misses nothing while its network is cut", async () => {
    const { host, room } = on()
    const ann = await on().somebody()
    const bob = await on().somebody(host.directUrl)
    await ann.client.subscribe(room)
    await on().say(bob.client, "a")
    await ann.client.next("publication")
    host.proxy.cut()
    await ann.client.next("connecting", () => ann.client.of("connecting").length > 1)
    await on().say(bob.client, "b", "c")
    host.mend()
    const [, again] = await ann.client.all("subscribed", 2)
    expect(again).toMatchObject({ wasRecovering: true, recovered: true })
    await on().say(bob.client, "d")
    const heard = await ann.client.all("publication", 4)
    expect(texts(heard)).toEqual(["a", "b", "c", "d"])
    expect(heard.map(({ offset }) => offset)).toEqual([1, 2, 3, 4])
  })
}

/** What Parley promises beyond. */
export const parleyScenarios = (setting: Setting<DurableHost>): void => {
  const on = stages(setting)

  it("misses nothing when the server is killed and started again, and no acknowledged publication is lost", async () => {
    const { host, room } = on()
    const ann = await on().somebody()
    await ann.client.subscribe(room)
    await on().say(ann.client, "a", "b")
    await ann.client.all("publication", 2)
    await host.restart()
    const [, again] = await ann.client.all("subscribed", 2)
    expect(again).toMatchObject({ wasRecovering: true, recovered: true })
    await on().say(ann.client, "c")
    await ann.client.all("publication", 3)
    expect(texts(ann.client.publications(room))).toEqual(["a", "b", "c"])
    expect(texts((await ann.client.history(room)).publications)).toEqual(["a", "b", "c"])
  })

  it("gets more than one reply holds of what it missed, in order, and before what is new", async () => {
    const { host, room } = on()
    const ann = await on().somebody()
    const bob = await on().somebody(host.directUrl)
    await ann.client.subscribe(room)
    host.proxy.cut()
    await ann.client.all("connecting", 2)
    const missed = Array.from({ length: 700 }, (_, index) => ({ text: `missed ${index}` }))
    await Promise.all(missed.map((data) => bob.client.publish(room, data)))
    host.mend()
    const [, again] = await ann.client.all("subscribed", 2)
    expect(again).toMatchObject({ wasRecovering: true, recovered: true })
    await on().say(bob.client, "new")
    const heard = await ann.client.all("publication", 701)
    expect(heard.map(({ offset }) => offset)).toEqual(heard.map((_, index) => index + 1))
    expect(texts(heard).at(-1)).toBe("new")
  })

  it("is one publication however often it is sent with the same id", async () => {
    const { room } = on()
    const { client, name } = await on().somebody()
    await client.subscribe(room)
    for (const message of ["a", "a", "a"]) await client.publish(room, { message, id: "the first" })
    expect(await refusal(client.publish(room, { message: "b", id: "the first" }))).toBe(409)
    for (const n of [1, 1]) await client.publish(room, { n, _parley: { id: "the second" } })
    await client.publish(room, { n: 2, id: "means nothing" })
    await client.publish(room, { n: 3, id: "means nothing" })
    const [first, ...others] = await client.all("publication", 4)
    expect(first?.data).toMatchObject({ message: "a", id: "the first", from: name })
    expect(others.map(({ data }) => (data as { readonly n: number }).n)).toEqual([1, 2, 3])
    expect((await client.history(room)).position.offset).toBe(4)
  })

  it("calls the server, and hears that a method is unknown", async () => {
    const { room } = on()
    const { client } = await on().somebody()
    await on().say(client, "a", "b")
    expect(await client.rpc("parley.room", { room })).toEqual((await client.history(room)).position)
    expect(await refusal(client.rpc("no such method", {}))).toBe(104)
  })

  it("is sent away for good when its session is logged out", async () => {
    const { room } = on()
    const ann = await on().somebody()
    await ann.client.subscribe(room)
    await ann.logOut()
    const { code } = await ann.client.next("disconnected")
    expect(code).toSatisfy(isTerminal)
  })
}

/** On a server whose tokens last two seconds. */
export const refreshScenario = (setting: Setting): void => {
  const on = stages(setting)

  it("gets itself new tokens, and stays connected past the end of the old ones", async () => {
    const { room } = on()
    const { client } = await on().somebody()
    await client.subscribe(room)
    // The second is asked for when the first refresh was answered, and has run its time.
    await client.all("token", 2)
    await on().say(client, "still here")
    await client.next("publication")
    expect(client.of("connecting").length).toBe(1)
    expect(client.of("disconnected")).toEqual([])
  })
}
