import type { Schema } from "effect"

/** One kind of message of a wire, as its document shows it. */
export interface DocumentedMessage {
  /** Letters and digits: what operations name it by. */
  readonly name: string
  /** `reply`: the server, and only where it is asked. */
  readonly from: "client" | "server" | "reply"
  readonly summary: string
  /** Decodes what goes over the wire. */
  readonly schema: Schema.Codec<unknown, unknown>
  readonly examples: ReadonlyArray<unknown>
  /** What the server answers it with: names of messages. */
  readonly answers?: ReadonlyArray<string>
}
