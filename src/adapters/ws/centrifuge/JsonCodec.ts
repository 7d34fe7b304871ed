// Hot path: entries into pushes of the JSON encoding, one value a line, many lines a frame.
import type { WireFormat } from "../../../domain/RoomTail.ts"
import { packedFramesOf } from "../Frames.ts"
import { onceAnAuthor } from "./Codec.ts"
import type { Codec } from "./Codec.ts"
import { dataTexts } from "./Data.ts"
import { maxFrameBytes } from "./Limits.ts"

const format: WireFormat = {
  packsEntries: true,
  encode: (room, entries) => {
    const head = `{"push":{"channel":${JSON.stringify(room)},"pub":{"data":`
    const infoOf = onceAnAuthor((info) => `,"info":${JSON.stringify(info)}`)
    const dataOf = dataTexts()
    const textAt = (index: number): string => {
      const entry = entries[index]
      if (entry === undefined) return ""
      return `${head}${dataOf(entry)}${infoOf(entry) ?? ""},"offset":${entry.seq}}}}`
    }
    return packedFramesOf(entries.length, textAt, maxFrameBytes)
  }
}

const decoder = new TextDecoder()

const decode = (frame: Uint8Array): ReadonlyArray<unknown> => {
  const text = frame instanceof Buffer ? frame.toString("utf8") : decoder.decode(frame)
  // Nearly all frames of a busy client hold one command.
  const lines = text.includes("\n") ? text.split("\n") : [text]
  const commands: Array<unknown> = []
  try {
    for (const line of lines) if (line.trim() !== "") commands.push(JSON.parse(line))
  } catch {
    commands.push(undefined)
  }
  return commands
}

/** The encoding of text frames. */
export const jsonCodec: Codec = {
  format,
  isBinary: false,
  decode,
  encode: (messages) =>
    packedFramesOf(messages.length, (index) => JSON.stringify(messages[index] ?? {}), maxFrameBytes).bytes
}
