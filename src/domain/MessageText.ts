import { Schema } from "effect"

/** What somebody says: not blank, and text that every store and every client can hold. How long it may be is each door's to say. */
export const MessageText = Schema.String.check(
  Schema.isPattern(/\S/, { expected: "a text that is not empty" }),
  Schema.makeFilter((text: string) => text.isWellFormed(), { expected: "text without lone surrogates" })
)
