import { Schema } from "effect"

/** Two spellings of one name are one name: canonical composition (NFC). */
export const canonicalUsername = (username: string): string => username.normalize("NFC")

const codePoints = (text: string): number => Array.from(text).length

const usernamePattern = /^[\p{L}\p{Nd}._-]{6,20}$/u

/** bcrypt hashes 72 bytes and ignores the rest. */
const maxPasswordBytes = 72

/** Far above what any account has, far below what would cost anything: what a login may carry in one field. */
const maxLoginField = 1_024

/** Controls, lone surrogates, line and paragraph separators. */
const unprintable = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u

/** 6–20 letters, digits, `.`, `_`, `-`, counted after `canonicalUsername`. */
export const Username = Schema.String.check(
  Schema.makeFilter((text) => usernamePattern.test(canonicalUsername(text)), {
    message: "must be 6 to 20 letters, digits, dots, underscores or hyphens",
    toJsonSchema: () => ({ minLength: 6, maxLength: 20, pattern: "^[\\p{L}\\p{Nd}._-]+$" })
  })
)

/** At least 6 characters, at most 72 bytes of UTF-8. */
export const NewPassword = Schema.String.check(
  Schema.makeFilter((text) => codePoints(text) >= 6, {
    message: "must have at least 6 characters",
    toJsonSchema: () => ({ minLength: 6 })
  }),
  Schema.makeFilter((text) => Buffer.byteLength(text, "utf8") <= maxPasswordBytes, {
    message: "must be at most 72 bytes long in UTF-8",
    toJsonSchema: () => ({ maxLength: 72 })
  }),
  Schema.makeFilter((text) => text.isWellFormed() && !text.includes("\0"), {
    message: "must be well-formed Unicode without NUL"
  })
)

export const FullName = Schema.String.check(
  Schema.makeFilter((text) => codePoints(text) >= 6 && codePoints(text) <= 100 && !unprintable.test(text), {
    message: "must be 6 to 100 characters without control characters",
    toJsonSchema: () => ({ minLength: 6, maxLength: 100 })
  })
)

/** Something, whatever it is: what no account can have is simply wrong. */
export const LoginField = Schema.String.check(
  Schema.isMinCodePoints(1, { message: "is required" }),
  Schema.isMaxCodePoints(maxLoginField, { message: "must have at most 1024 characters" })
)
