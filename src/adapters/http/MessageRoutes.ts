import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { viewOf } from "../../domain/MessageView.ts"
import { defaultRoom } from "../../domain/Room.ts"
import { mayEnter } from "../../domain/RoomAccess.ts"
import { Journal } from "../../ports/Journal.ts"
import { MessageHistory } from "../../ports/MessageHistory.ts"
import type { HistoryPage, HistoryQuery } from "../../ports/MessageHistory.ts"
import { Api, defaultHistory } from "./Api.ts"
import { RoomForbidden, Unavailable } from "./ApiProblems.ts"
import { CurrentPrincipal, storeRetrySeconds } from "./Authorization.ts"

/** RFC 8288: where the neighbouring page is. Relative, so that it holds behind any proxy. */
const linksOf = ({ after, before, limit, room }: HistoryQuery, { entries, head }: HistoryPage): string | undefined => {
  const first = entries.at(0)
  const last = entries.at(-1)
  if (first === undefined || last === undefined) return undefined
  const target = (position: Record<string, string>) =>
    `</api/message/v1/history?${new URLSearchParams({ room, limit: String(limit), ...position }).toString()}>`
  if (after === undefined) return first.seq > 1 ? `${target({ before: String(first.seq) })}; rel="prev"` : undefined
  const end = before === undefined ? head : before - 1
  if (last.seq >= end) return undefined
  return `${target({ after: String(last.seq), ...(before === undefined ? {} : { before: String(before) }) })}; rel="next"`
}

/** History. `X-Parley-Epoch` says which log the positions are of. */
export const layer = HttpApiBuilder.group(
  Api,
  "message",
  Effect.fnUntraced(function* (handlers) {
    const history = yield* MessageHistory
    const { epoch } = yield* Journal

    return handlers.handle("history", ({ query: asked }) =>
      Effect.gen(function* () {
        const query: HistoryQuery = { ...asked, room: asked.room ?? defaultRoom, limit: asked.limit ?? defaultHistory }
        if (!mayEnter(yield* CurrentPrincipal, query.room)) return yield* new RoomForbidden({})
        const page = yield* history.page(query)
        const link = linksOf(query, page)
        yield* HttpEffect.appendPreResponseHandler((_, response) =>
          Effect.succeed(
            HttpServerResponse.setHeaders(response, {
              "x-parley-epoch": epoch,
              ...(link === undefined ? {} : { link })
            })
          )
        )
        return page.entries.map((entry) => viewOf(query.room, entry))
      }).pipe(
        Effect.catchTag("JournalError", ({ detail, reason }) =>
          Effect.andThen(
            Effect.logWarning("history cannot be read", { reason, detail }),
            Effect.fail(new Unavailable({ retry_after: storeRetrySeconds }))
          )
        )
      )
    )
  })
)
