import { afterAll, expect, it } from "vitest"
import { ApiClient } from "../support/ApiClient.ts"
import { ChatClient } from "../support/ChatClient.ts"
import { familiesOf, problemsOf } from "../support/PrometheusText.ts"
import { ServerProcess, unlimited } from "../support/ServerProcess.ts"

const server = new ServerProcess()
afterAll(() => server.remove())

const seriesIn = (text: string): number =>
  text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length

it("1,000 users in 1,000 rooms, and 1,000 paths that nobody serves, add no more series than one of each", async () => {
  const started = await server.up(unlimited)
  const api = new ApiClient(started.url)
  const metrics = async (): Promise<string> => (await api.call("GET", "/metrics")).text

  const visit = async (n: number): Promise<void> => {
    const client = await ChatClient.connect(started.socketUrl, { room: `room-${n}` })
    client.say(`hello ${n}`, { from: `visitor-${n}` })
    await client.delivered(`hello ${n}`)
    await client.answerTo("{")
    await client.close()
    await api.call("GET", `/nothing-${n}`)
    await api.call("GET", `/api/message/v1/history?room=room-${n}`)
    await api.call(`VERB${n}`, "/")
  }
  await visit(0)
  // What an interval of the garbage collector adds, and the scrape itself, come once.
  await metrics()
  const before = seriesIn(await metrics())
  for (let from = 1; from < 1_000; from += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, n) => visit(from + n)))
  }
  const text = await metrics()
  expect(problemsOf(text)).toEqual([])
  expect(seriesIn(text)).toBe(before)
  expect(text).not.toMatch(/visitor-|room-\d|nothing-/)

  const figure = (name: string): number =>
    Number(familiesOf(text).find((family) => family.name === name)?.metrics[0]?.value)
  expect(figure("parley_messages_committed_total")).toBe(1_001)
  expect(figure("parley_deliveries_total")).toBe(1_001)
  const batches = familiesOf(text).find(({ name }) => name === "parley_batch_messages")?.metrics[0]
  expect(batches?.sum).toBe("1001")
  expect(text).toContain('parley_rejections_total{reason="bad_frame"} 1001\n')
  expect(text).toContain('route="unmatched"')
})
