import { Schema } from "effect"

/** The name that a service gives itself: 1–64 printable characters, no space at its ends. Whether it is reserved is `ReservedNames`' to say. */
export const AuthorName = Schema.String.check(
  Schema.isPattern(/^(?!\s)[^\p{Cc}\p{Cs}]{1,64}(?<!\s)$/u, { expected: "a name of 1–64 printable characters" })
)
