import { expect } from "vitest"
import { bearer } from "./ApiClient.ts"
import type { ApiClient, ApiReply } from "./ApiClient.ts"
import { ChatClient } from "./ChatClient.ts"

/** Whose session is to end, another session of the same user, and somebody who stays. */
export interface Parting {
  readonly token: string
  readonly other: string
  readonly staying: string
}

/** A message that was refused is followed by another after so long. */
const refusedMillis = 100

/**
 * `end`s one session after another while `room` is flooded: its socket is closed before the reply (204), gets nothing that was sent after it, and its token is none; the neighbour
 * gets all of it.
 */
export const endAmidAFlood = async (
  { api, room, socketUrl }: { readonly api: ApiClient; readonly room: string; readonly socketUrl: string },
  partings: AsyncIterable<Parting>,
  end: (token: string, other: string) => Promise<ApiReply>
): Promise<void> => {
  // Before the flood: who logs in waits for his hash, and meanwhile the flood would fill the log.
  const known: Array<Parting> = []
  for await (const parting of partings) known.push(parting)
  const talker = await ChatClient.connect(socketUrl, { room, since: 0 })
  let next = 0
  const talk = () => talker.say(`message ${(next += 1)}`)
  // Whoever talks on at once when he is refused keeps a store that is behind from catching up, for ever.
  talker.each(({ error }) => {
    if (error === undefined) talk()
    else if (error.retryable) setTimeout(talk, error.retryAfterMs ?? refusedMillis)
  })
  for (let n = 0; n < 16; n++) talk()
  try {
    for (const [round, { other, staying, token }] of known.entries()) {
      const after = `after ${round}`
      const session = await ChatClient.connect(socketUrl, { room, headers: bearer(token) })
      const neighbour = await ChatClient.connect(socketUrl, { room, headers: bearer(staying) })
      await session.until(() => session.frames.length > 50)
      // An open socket is not in the room yet: its token is looked up first.
      await neighbour.settled()
      expect((await end(token, other)).status).toBe(204)
      // Sent after the reply, amid the flood: the neighbour gets it, the session that was ended does not.
      const { seq } = await talker.insist(after)
      await neighbour.delivered(after)
      const { seq: first = NaN } = neighbour.messages[0] ?? {}
      expect(neighbour.messages.map((message) => message.seq - first)).toEqual([...neighbour.messages.keys()])
      // 1006: what was queued for it was thrown away, and the goodbye with it.
      expect([4502, 1006]).toContain((await session.closed).code)
      expect(session.messages.at(-1)?.seq).toBeLessThan(seq)
      expect((await api.history(token)).status).toBe(401)
      await neighbour.close()
    }
  } finally {
    // However it ends, so does the flood: it would be the next test's, too.
    talker.socket.terminate()
  }
  expect(known.length).toBeGreaterThan(0)
}
