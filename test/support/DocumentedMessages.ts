import { Exit, Schema } from "effect"
import type { DocumentedMessage } from "../../src/adapters/ws/DocumentedMessage.ts"

/** Of the messages that the server sends by a wire's document, the name of the one that a value is; fails where it is none. */
export const namedBy = (messages: ReadonlyArray<DocumentedMessage>): ((value: unknown) => string) => {
  const decoders = messages
    .filter(({ from }) => from !== "client")
    .map(({ name, schema }) => ({ name, decode: Schema.decodeUnknownExit(schema, { onExcessProperty: "error" }) }))
  return (value) => {
    const found = decoders.find(({ decode }) => Exit.isSuccess(decode(value)))
    if (found === undefined) throw new Error(`no documented message of the server: ${JSON.stringify(value)}`)
    return found.name
  }
}
