import type { Redacted } from "effect"
import { requests } from "../serverapi/ServerApiSchema.ts"

export interface ServerApiOptions {
  readonly serverApi: {
    /** `API_KEY`, at least 32 bytes. Without it there is no server API. */
    readonly key: Redacted.Redacted<string> | undefined
    /** `SERVER_API_COMPAT`: at Centrifugo's paths, too. */
    readonly compat: boolean
    /** `SERVER_API_PER_MINUTE`: requests a minute and client address. 0: no limit. */
    readonly ratePerMinute: number
  }
}

const prefix = "/api/server/v1/"
const compatPrefix = "/api/"

export const serverApiPath = <const Method extends keyof typeof requests>(method: Method) =>
  `${prefix}${method}` as const

export const compatPath = <const Method extends keyof typeof requests>(method: Method) =>
  `${compatPrefix}${method}` as const

const compatPaths: ReadonlySet<string> = new Set(Object.keys(requests).map((method) => `${compatPrefix}${method}`))

/** Whether a path is the server API's. While there is none its paths are like any other. */
export const isServerApiPath = ({ serverApi }: ServerApiOptions, path: string): boolean =>
  serverApi.key !== undefined && (path.startsWith(prefix) || (serverApi.compat && compatPaths.has(path)))
