import { randomBytes } from "node:crypto"
import type { Random } from "../../delivery/Random.ts"
import { frameOf } from "../../support/RawSocket.ts"
import { cases } from "../Cases.ts"

/** Frames that mean something: what the conformance cases send, small enough to be sent often. */
const corpus: ReadonlyArray<Buffer> = cases.flatMap(({ send }) => send).filter(({ length }) => length < 2_000)

const payloads: ReadonlyArray<string> = [
  '{"from":"fuzzer","message":"hello"}',
  '{"from":"fuzzer","message":"hello","id":"an-id","date":"2026-01-01T00:00:00.000Z"}',
  '{"type":"auth","token":"eyJhbGciOiJIUzI1NiJ9.e30.x"}',
  '{"from":"system","message":"\\ud800"}',
  '{"__proto__":{"from":"fuzzer"},"message":[[[[1e400]]]]}',
  "null",
  "[]"
]

/** One thing after another is changed: bits, bytes, pieces. At most 16 KiB come of it. */
const mutateBytes = (random: Random, bytes: Buffer): Buffer => {
  let mutated = Buffer.from(bytes)
  for (let left = random.between(1, 4); left > 0; left--) {
    const at = random.below(mutated.length + 1)
    switch (random.weighted({ flip: 4, overwrite: 3, cut: 1, insert: 2, repeat: 1 })) {
      case "flip":
        if (at < mutated.length) mutated[at] = (mutated[at] ?? 0) ^ (1 << random.below(8))
        break
      case "overwrite":
        if (at < mutated.length) mutated[at] = random.pick([0, 0x7e, 0x7f, 0x80, 0xff, random.below(256)]) ?? 0
        break
      case "cut":
        mutated = mutated.subarray(0, at)
        break
      case "insert":
        mutated = Buffer.concat([mutated.subarray(0, at), randomBytes(random.between(1, 8)), mutated.subarray(at)])
        break
      case "repeat":
        mutated = Buffer.concat([mutated, mutated.subarray(at)]).subarray(0, 16_384)
    }
  }
  return mutated
}

/** A frame as nobody sends it: a known one with bytes changed, or a well-formed one around changed content, which gets deeper. */
export const mutatedFrame = (random: Random): Buffer => {
  if (random.chance(0.3)) return mutateBytes(random, random.pick(corpus) ?? Buffer.alloc(0))
  const payload = Buffer.from(random.pick(payloads) ?? "")
  return frameOf(random.chance(0.8) ? mutateBytes(random, payload) : payload, {
    opcode: random.weighted({ 1: 20, 0: 2, 2: 2, 9: 2, 10: 1, 8: 1, 5: 1 } as const) === "1" ? 1 : random.below(16),
    fin: random.chance(0.9),
    rsv: random.chance(0.03) ? random.below(8) : 0,
    masked: random.chance(0.98),
    mask: randomBytes(4)
  })
}
