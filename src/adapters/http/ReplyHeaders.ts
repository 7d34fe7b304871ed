import { createHash } from "node:crypto"

/** For replies that are no page: nothing may be loaded, nothing may frame them. */
const inertPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Headers of every reply; a reply that has one of them keeps its own. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": inertPolicy,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY"
}

/** A browser that came by TLS comes by TLS for half a year. Subdomains are others' to decide about. */
export const strictTransport = "max-age=15552000"

/** What a page of another, accepted origin may see and send. Credentials (cookies) are never allowed. */
export const corsHeaders = (origin: string): Record<string, string> => ({
  "access-control-allow-origin": origin,
  "access-control-expose-headers":
    "Link, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Parley-Epoch, X-Request-Id",
  vary: "Origin"
})

const preflightSeconds = 600

export const preflightHeaders = (allow: string): Record<string, string> => ({
  "access-control-allow-methods": allow,
  "access-control-allow-headers": "Authorization, Content-Type, X-Parley-Page, X-Room-Token",
  "access-control-max-age": String(preflightSeconds)
})

/** A CSP source that allows exactly this inline script or style. */
export const hashSource = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`
