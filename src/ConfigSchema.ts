import { isIP } from "node:net"
import { Duration, Schema, SchemaTransformation } from "effect"

/** How the text of an environment variable becomes a value. What was expected is said by the variable, in words. */

export const Text = Schema.String

export const Secret = Schema.RedactedFromValue(Schema.String)

/** 32 bytes: what an HS256 key must have at least (RFC 7518, section 3.2). */
export const SigningSecret = Schema.RedactedFromValue(
  Schema.String.check(Schema.makeFilter((secret) => Buffer.byteLength(secret) >= 32))
)

/** What Elastic's APM Server takes. */
export const ServiceName = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9 _-]{1,100}$/))

export const Count = Schema.FiniteFromString.check(
  Schema.isInt(),
  Schema.isBetween({ minimum: 0, maximum: 1_000_000_000 })
)

export const Between = (minimum: number, maximum: number) =>
  Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum, maximum }))

export const Port = Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: 65_535 }))

export const Host = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_.:-]+$/))

/** Between a second and a year. */
export const Ttl = Schema.DurationFromString.check(
  Schema.makeFilter((ttl) => Duration.toMillis(ttl) >= 1000 && Duration.toMillis(ttl) <= 365 * 86_400_000)
)

export const UrlOf = (...schemes: ReadonlyArray<string>) =>
  Schema.String.check(Schema.makeFilter((text) => schemes.some((scheme) => text.startsWith(`${scheme}://`))))

const ListOf = (isItem: (item: string) => boolean) =>
  Schema.String.pipe(
    Schema.decodeTo(
      Schema.Array(Schema.String.check(Schema.makeFilter(isItem))),
      SchemaTransformation.transform({
        decode: (text): ReadonlyArray<string> =>
          text
            .split(",")
            .map((item) => item.trim())
            .filter((item) => item !== ""),
        encode: (items) => items.join(",")
      })
    )
  )

export const Hosts = ListOf((item) => /^[A-Za-z0-9_.:-]+$/.test(item))

/** `scheme://host[:port]`, as a browser writes it. */
export const Origins = ListOf((item) => URL.canParse(item) && new URL(item).origin === item)

/** Addresses and CIDR blocks. */
export const Networks = ListOf((item) => {
  const [address = "", bits, ...rest] = item.split("/")
  const width = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  return rest.length === 0 && width > 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= width))
})
