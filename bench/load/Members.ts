// Hot path: what `onNewMessages` sets is called for every chunk of a member.
import type { Member } from "./Crowd.ts"
import type { RoomTranscript } from "./RoomTranscript.ts"

/** `count` members, evenly over the room: whoever a server serves first or last is neither left out nor alone. `shift` (0–1) moves them all. */
export const spread = (members: ReadonlyArray<Member>, count: number, shift: number): ReadonlyArray<Member> => {
  const some = Math.min(count, members.length)
  return Array.from(
    { length: some },
    (_, index) => members[Math.floor(((index + shift) * members.length) / some)]
  ).filter((member) => member !== undefined)
}

/** Calls with the room's messages that a member has newly received: the positions from `from` up to, not including, `to`. */
export const onNewMessages = (
  member: Member,
  transcript: RoomTranscript,
  take: (from: number, to: number, now: number) => void
): void => {
  let from = transcript.received(member.reader)
  member.onProgress = (now) => {
    const to = transcript.received(member.reader)
    if (to === from) return
    take(from, to, now)
    from = to
  }
}
