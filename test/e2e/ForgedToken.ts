import { createHmac } from "node:crypto"

/** Of servers whose tokens a test makes itself. */
export const secret = "a secret of these tests, with more than 32 bytes"

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url")

/** What a token says, its signature not looked at. */
export const claimsOf = (token: string): Readonly<Record<string, unknown>> =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>

/** The same token with other claims or another header, signed (HS256) with `key`; an empty signature where it is `undefined`. */
export const forge = (
  token: string,
  options: { readonly header?: object; readonly claims?: object; readonly key?: string }
): string => {
  const header = { alg: "HS256", typ: "at+jwt", ...options.header }
  const text = `${encode(header)}.${encode({ ...claimsOf(token), ...options.claims })}`
  const signature = options.key === undefined ? "" : createHmac("sha256", options.key).update(text).digest("base64url")
  return `${text}.${signature}`
}
