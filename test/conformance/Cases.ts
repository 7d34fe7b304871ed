import { frameOf } from "../support/RawSocket.ts"

/** What is sent, and what a server that keeps RFC 6455 does then. */
export interface ConformanceCase {
  /** After the section of the Autobahn test suite that it follows. */
  readonly number: string
  readonly what: string
  readonly send: ReadonlyArray<Buffer>
  /** Each byte by itself. */
  readonly octets?: boolean
  /** Messages that come back and codes of refusals, in order; nothing where it is left out. */
  readonly said?: ReadonlyArray<string>
  readonly pongs?: ReadonlyArray<string>
  /** The server's close code. Left out: the connection is as good as before, and is closed by the client with 1000. */
  readonly code?: number
}

/** The mask of the RFC's own examples. */
const mask = Buffer.from("37fa213d", "hex")
const text = 1
const binary = 2
const close = 8
const ping = 9
const pong = 10

const frame = (opcode: number, payload: Buffer | string = "", options: Parameters<typeof frameOf>[1] = {}): Buffer =>
  frameOf(payload, { opcode, mask, ...options })
const start = (payload: Buffer | string, opcode = text): Buffer => frame(opcode, payload, { fin: false })
const more = (payload: Buffer | string): Buffer => frame(0, payload, { fin: false })
const last = (payload: Buffer | string): Buffer => frame(0, payload)

const json = (message: string): string => JSON.stringify({ from: "peer", message })
/** A message whose frame holds so many bytes. */
const sized = (bytes: number): string => "x".repeat(bytes - json("").length)
const hello = json("hello")
const half = hello.length / 2
const [front, back] = [hello.slice(0, half), hello.slice(half)]
const times = <A>(count: number, make: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, index) => make(index))
const raw = (hex: string): Buffer =>
  Buffer.concat([Buffer.from('{"from":"peer","message":"'), Buffer.from(hex, "hex"), Buffer.from('"}')])
const closing = (code: number, reason: Buffer | string = ""): Buffer => {
  const head = Buffer.alloc(2)
  head.writeUInt16BE(code)
  return frame(close, Buffer.concat([head, Buffer.from(reason)]))
}
const cosmos = "κόσμε 🌍"

const framing: ReadonlyArray<ConformanceCase> = [
  { number: "1.1.1", what: "an empty text", send: [frame(text)], said: ["bad_frame"] },
  ...[125, 126, 127, 128, 16_384].map((bytes, index) => ({
    number: `1.1.${index + 2}`,
    what: `a text of ${bytes} bytes`,
    send: [frame(text, json(sized(bytes)))],
    said: [sized(bytes)]
  })),
  {
    number: "1.1.7",
    what: "a text of 65,535 bytes",
    send: [frame(text, "x".repeat(65_535))],
    said: ["frame_too_large"]
  },
  {
    number: "1.1.8",
    what: "a text of 65,536 bytes",
    send: [frame(text, "x".repeat(65_536))],
    said: ["frame_too_large"]
  },
  { number: "1.1.9", what: "a text past the limit", send: [frame(text, "x".repeat(65_537))], code: 1009 },
  {
    number: "1.1.10",
    what: "a text of 300 bytes",
    send: [frame(text, json(sized(300)))],
    octets: true,
    said: [sized(300)]
  },
  { number: "1.2.1", what: "an empty binary", send: [frame(binary)], said: ["binary_frame"] },
  {
    number: "1.2.2",
    what: "a binary of 126 bytes",
    send: [frame(binary, Buffer.alloc(126, 0xfe))],
    said: ["binary_frame"]
  },
  {
    number: "1.2.3",
    what: "a binary of 65,536 bytes",
    send: [frame(binary, Buffer.alloc(65_536, 0xfe))],
    said: ["binary_frame"]
  },
  { number: "1.3.1", what: "a length of 2^53", send: [frame(text, "x", { length: 2 ** 53 })], code: 1009 },
  { number: "1.3.2", what: "a length of a gigabyte", send: [frame(text, "x", { length: 2 ** 30 })], code: 1009 },
  { number: "1.4.1", what: "an unmasked text", send: [frame(text, hello, { masked: false })], code: 1002 },
  { number: "1.4.2", what: "an unmasked ping", send: [frame(ping, "x", { masked: false })], code: 1002 }
]

const pings: ReadonlyArray<ConformanceCase> = [
  { number: "2.1", what: "an empty ping", send: [frame(ping)], pongs: [""] },
  { number: "2.2", what: "a ping with a text", send: [frame(ping, "Hello, world!")], pongs: ["Hello, world!"] },
  {
    number: "2.3",
    what: "a ping with bytes",
    send: [frame(ping, Buffer.of(0, 0xff, 0xfe, 0xfd))],
    pongs: ["\x00\xff\xfe\xfd"]
  },
  { number: "2.4", what: "a ping of 125 bytes", send: [frame(ping, "x".repeat(125))], pongs: ["x".repeat(125)] },
  { number: "2.5", what: "a ping of 126 bytes", send: [frame(ping, "x".repeat(126))], code: 1002 },
  {
    number: "2.6",
    what: "a ping of 125 bytes",
    send: [frame(ping, "x".repeat(125))],
    octets: true,
    pongs: ["x".repeat(125)]
  },
  { number: "2.7", what: "a pong that nobody asked for", send: [frame(pong), frame(text, hello)], said: ["hello"] },
  {
    number: "2.8",
    what: "such a pong with a text",
    send: [frame(pong, "unasked"), frame(text, hello)],
    said: ["hello"]
  },
  {
    number: "2.9",
    what: "such a pong, then a ping",
    send: [frame(pong, "unasked"), frame(ping, "asked")],
    pongs: ["asked"]
  },
  { number: "2.10", what: "10 pings", send: times(10, (n) => frame(ping, `${n}`)), pongs: times(10, String) },
  {
    number: "2.11",
    what: "10 pings",
    send: times(10, (n) => frame(ping, `${n}`)),
    octets: true,
    pongs: times(10, String)
  }
]

const reservedBits: ReadonlyArray<ConformanceCase> = [
  { number: "3.1", what: "RSV1 on a text", send: [frame(text, hello, { rsv: 4 })], code: 1002 },
  {
    number: "3.2",
    what: "RSV2 after a good text",
    send: [frame(text, hello), frame(text, hello, { rsv: 2 })],
    said: ["hello"],
    code: 1002
  },
  {
    number: "3.3",
    what: "RSV3 after a good text",
    send: [frame(text, hello), frame(text, hello, { rsv: 1 })],
    said: ["hello"],
    code: 1002
  },
  { number: "3.4", what: "RSV1 and RSV2", send: [frame(text, hello, { rsv: 6 })], octets: true, code: 1002 },
  { number: "3.5", what: "RSV1 and RSV3 on a ping", send: [frame(ping, "x", { rsv: 5 })], code: 1002 },
  { number: "3.6", what: "RSV2 and RSV3 on a goodbye", send: [frame(close, "", { rsv: 3 })], code: 1002 },
  { number: "3.7", what: "all three on a binary", send: [frame(binary, "x", { rsv: 7 })], code: 1002 }
]

const opcodes: ReadonlyArray<ConformanceCase> = [
  ...[3, 4, 5, 6, 7].map((opcode, index) => ({ number: `4.1.${index + 1}`, opcode })),
  ...[11, 12, 13, 14, 15].map((opcode, index) => ({ number: `4.2.${index + 1}`, opcode }))
].map(({ number, opcode }, index) => ({
  number,
  what: `opcode ${opcode} after a good text`,
  send: [frame(text, hello), frame(opcode, index % 2 === 0 ? "" : "x")],
  said: ["hello"],
  code: 1002
}))

const fragments: ReadonlyArray<ConformanceCase> = [
  { number: "5.1", what: "a ping in two fragments", send: [start("x", ping), last("y")], code: 1002 },
  { number: "5.2", what: "a pong in two fragments", send: [start("x", pong), last("y")], code: 1002 },
  { number: "5.3", what: "a text in two fragments", send: [start(front), last(back)], said: ["hello"] },
  { number: "5.4", what: "the same in one packet", send: [Buffer.concat([start(front), last(back)])], said: ["hello"] },
  { number: "5.5", what: "the same", send: [start(front), last(back)], octets: true, said: ["hello"] },
  {
    number: "5.6",
    what: "a ping amid a text",
    send: [start(front), frame(ping, "amid"), last(back)],
    said: ["hello"],
    pongs: ["amid"]
  },
  {
    number: "5.7",
    what: "the same",
    send: [start(front), frame(ping, "amid"), last(back)],
    octets: true,
    said: ["hello"],
    pongs: ["amid"]
  },
  { number: "5.8", what: "a last fragment of nothing", send: [last(hello), frame(text, hello)], code: 1002 },
  { number: "5.9", what: "a fragment of nothing", send: [more(hello), frame(text, hello)], code: 1002 },
  { number: "5.10", what: "a text amid a text", send: [start(front), frame(text, hello)], code: 1002 },
  { number: "5.11", what: "a binary amid a text", send: [start(front), frame(binary, "x")], code: 1002 },
  {
    number: "5.12",
    what: "empty fragments",
    send: [start(""), more(front), more(""), more(back), last("")],
    said: ["hello"]
  },
  {
    number: "5.13",
    what: "a ping after each of five fragments",
    send: [
      start(front),
      ...times(3, (n) => Buffer.concat([frame(ping, `${n}`), more("")])),
      frame(ping, "3"),
      last(back)
    ],
    said: ["hello"],
    pongs: ["0", "1", "2", "3"]
  },
  {
    number: "5.14",
    what: "64 fragments",
    send: [Buffer.concat([start(front), ...times(62, () => more("")), last(back)])],
    said: ["hello"]
  },
  {
    number: "5.15",
    what: "more fragments than the limit",
    send: [Buffer.concat([start(front), ...times(100, () => more("x")), last(back)])],
    code: 1008
  },
  {
    number: "5.16",
    what: "fragments past the limit together",
    send: [start("x".repeat(40_000)), last("x".repeat(40_000))],
    code: 1009
  },
  {
    number: "5.17",
    what: "a binary in two fragments, then a text",
    send: [start("x", binary), last("y"), frame(text, hello)],
    said: ["binary_frame", "hello"]
  }
]

const utf8: ReadonlyArray<ConformanceCase> = [
  { number: "6.1", what: "letters of two to four bytes", send: [frame(text, json(cosmos))], said: [cosmos] },
  {
    number: "6.2",
    what: "each byte of them a fragment",
    send: [start(""), ...[...Buffer.from(json(cosmos))].map((byte) => more(Buffer.of(byte))), last("")],
    said: [cosmos]
  },
  {
    number: "6.3",
    what: "the same",
    send: [start(""), ...[...Buffer.from(json("κό"))].map((byte) => more(Buffer.of(byte))), last("")],
    octets: true,
    said: ["κό"]
  },
  {
    number: "6.4",
    what: "the highest code point, and one that is no letter",
    send: [frame(text, raw("f48fbfbfefbfbf"))],
    said: ["\u{10ffff}\uffff"]
  },
  ...[
    ["a lone continuation byte", "80"],
    ["a start without its end", "ce"],
    ["a slash in two bytes", "c0af"],
    ["NUL in two bytes", "c080"],
    ["a slash in three bytes", "e080af"],
    ["a surrogate", "eda080"],
    ["a pair of surrogates", "eda080edb080"],
    ["past the highest code point", "f4908080"],
    ["five bytes", "f888808080"],
    ["0xFF", "ff"]
  ].map(([what = "", hex], index) => ({
    number: `6.${index + 5}`,
    what,
    send: [frame(text, raw(hex ?? ""))],
    code: 1007
  })),
  {
    number: "6.15",
    what: "a surrogate in a second fragment",
    send: [start('{"from":"peer","message":"'), more(Buffer.from("eda080", "hex")), last('"}')],
    code: 1007
  },
  {
    number: "6.16",
    what: "a letter that ends with the message",
    send: [start('{"from":"peer","message":"'), last(Buffer.from("ce", "hex"))],
    code: 1007
  }
]

const goodbyes: ReadonlyArray<ConformanceCase> = [
  { number: "7.1.1", what: "a text, then a goodbye", send: [frame(text, hello)], said: ["hello"] },
  { number: "7.1.2", what: "two goodbyes", send: [Buffer.concat([closing(1000), closing(1000)])], code: 1000 },
  {
    number: "7.1.3",
    what: "a ping after the goodbye",
    send: [Buffer.concat([closing(1000), frame(ping, "late")])],
    code: 1000
  },
  {
    number: "7.1.4",
    what: "a text after the goodbye",
    send: [Buffer.concat([closing(1000), frame(text, hello)])],
    code: 1000
  },
  { number: "7.1.5", what: "a goodbye amid a text", send: [start(front), closing(1000)], code: 1000 },
  { number: "7.3.1", what: "a goodbye without a code", send: [frame(close)], code: 1005 },
  { number: "7.3.2", what: "a goodbye of one byte", send: [frame(close, "x")], code: 1002 },
  { number: "7.3.3", what: "a goodbye with a reason", send: [closing(1000, "that is all")], code: 1000 },
  { number: "7.3.4", what: "a reason of 123 bytes", send: [closing(1000, "x".repeat(123))], code: 1000 },
  { number: "7.3.5", what: "a reason of 124 bytes", send: [closing(1000, "x".repeat(124))], code: 1002 },
  { number: "7.3.6", what: "a goodbye in fragments", send: [start(Buffer.of(3, 232), close)], code: 1002 },
  {
    number: "7.5.1",
    what: "a reason that is not UTF-8",
    send: [closing(1000, Buffer.from("cebaedA080", "hex"))],
    code: 1007
  },
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map((code, index) => ({
    number: `7.7.${index + 1}`,
    what: `the code ${code}`,
    send: [closing(code)],
    code
  })),
  ...[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535].map((code, index) => ({
    number: `7.9.${index + 1}`,
    what: `the code ${code}, which nobody may send`,
    send: [closing(code)],
    code: 1002
  }))
]

/** Frame by frame, after sections 1 to 7 of the Autobahn test suite. */
export const cases: ReadonlyArray<ConformanceCase> = [
  ...framing,
  ...pings,
  ...reservedBits,
  ...opcodes,
  ...fragments,
  ...utf8,
  ...goodbyes
]

/** The goodbye of a client that is content. */
export const goodbye = closing(1000)
