import { createHmac } from "node:crypto"

export const subscriptionSecret = "a secret for subscriptions alone, 32 bytes"

const part = (claims: object): string => Buffer.from(JSON.stringify(claims)).toString("base64url")

/** A subscription token as a backend makes it: the claims as they are given, HS256 unless `header` says otherwise. */
export const subscriptionToken = (
  claims: object,
  {
    header = { alg: "HS256" },
    secret = subscriptionSecret
  }: { readonly header?: object; readonly secret?: string } = {}
): string => {
  const body = `${part(header)}.${part(claims)}`
  return `${body}.${createHmac("sha256", secret).update(body).digest("base64url")}`
}
