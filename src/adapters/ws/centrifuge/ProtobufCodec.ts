// Hot path (`format`): the protobuf encoding, the JSON wire's values, each prefixed by its length as a varint, in binary frames.
import protobuf from "protobufjs"
import type { WireFormat } from "../../../domain/RoomTail.ts"
import { packedBinaryFramesOf } from "../Frames.ts"
import { onceAnAuthor } from "./Codec.ts"
import type { Codec } from "./Codec.ts"
import { dataTexts } from "./Data.ts"
import { maxFrameBytes } from "./Limits.ts"
import type { ClientInfo as Info, Outgoing } from "./Protocol.ts"
import { protobufSchema } from "./ProtobufSchema.ts"

const { root } = protobuf.parse(protobufSchema, { keepCase: true })
const Command = root.lookupType("Command")
const Reply = root.lookupType("Reply")
const ClientInfo = root.lookupType("ClientInfo")

/** Fields that hold JSON. */
const jsonFields = new Set(["data", "conn_info", "chan_info"])

/** The value with its JSON fields as bytes. `presence` is a map whose keys are clients': none of them is one of these names. */
const withBytes = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withBytes)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      jsonFields.has(name) ? Buffer.from(JSON.stringify(field)) : withBytes(field)
    ])
  )
}

const encodeOne = (message: Outgoing): Uint8Array => {
  const value = withBytes(message)
  return Reply.encodeDelimited(Reply.fromObject(typeof value === "object" && value !== null ? value : {})).finish()
}

/** Tags of length-delimited fields and of a varint: number × 8 + type (protobuf.dev/programming-guides/encoding). A test holds them to the schema. */
const tag = { push: 34, channel: 18, pub: 34, data: 34, info: 42, offset: 48 } as const

/** `Reply{push: {channel, pub: {data, info, offset}}}` without an object in between. `data` is a string to the writer: the bytes are the same. */
const pushOf = (channel: string, data: string, info: Uint8Array | undefined, offset: number): Uint8Array => {
  const writer = protobuf.Writer.create()
    .fork()
    .uint32(tag.push)
    .fork()
    .uint32(tag.channel)
    .string(channel)
    .uint32(tag.pub)
    .fork()
    .uint32(tag.data)
    .string(data)
  if (info !== undefined) writer.uint32(tag.info).bytes(info)
  return writer.uint32(tag.offset).uint64(offset).ldelim().ldelim().ldelim().finish()
}

const infoBytes = (info: Info): Uint8Array => {
  const value = withBytes(info)
  return ClientInfo.encode(ClientInfo.fromObject(typeof value === "object" && value !== null ? value : {})).finish()
}

const format: WireFormat = {
  packsEntries: true,
  encode: (room, entries) => {
    const infoOf = onceAnAuthor(infoBytes)
    const dataOf = dataTexts()
    const messages = entries.map((entry) => pushOf(room, dataOf(entry), infoOf(entry), entry.seq))
    return packedBinaryFramesOf(messages, maxFrameBytes)
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true })

/** `data` out of its bytes; `undefined` where it is not JSON: what needs it says so. */
const withValues = (params: Record<string, unknown>): Record<string, unknown> => {
  const { data } = params
  if (!(data instanceof Uint8Array)) return params
  try {
    return { ...params, data: JSON.parse(utf8.decode(data)) }
  } catch {
    return { ...params, data: undefined }
  }
}

const valueOf = (message: protobuf.Message): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(Command.toObject(message, { longs: Number })).map(([name, field]): [string, unknown] => [
      name,
      typeof field === "object" && field !== null ? withValues({ channel: "", ...defaultsOf(name), ...field }) : field
    ])
  )

/** What proto3 does not send since it is empty. */
const defaultsOf = (method: string): Record<string, unknown> => {
  // No bytes are no JSON.
  if (method === "publish") return { data: undefined }
  return method === "refresh" || method === "sub_refresh" ? { token: "" } : {}
}

const decode = (frame: Uint8Array): ReadonlyArray<unknown> => {
  const commands: Array<unknown> = []
  try {
    const reader = protobuf.Reader.create(frame)
    while (reader.pos < reader.len) commands.push(valueOf(Command.decodeDelimited(reader)))
  } catch {
    commands.push(undefined)
  }
  return commands
}

/** The encoding of binary frames, subprotocol `centrifuge-protobuf`. */
export const protobufCodec: Codec = {
  format,
  isBinary: true,
  decode,
  encode: (messages) => packedBinaryFramesOf(messages.map(encodeOne), maxFrameBytes).bytes
}
