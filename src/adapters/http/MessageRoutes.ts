import { Effect, Redacted } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { defaultRoom } from "../../domain/Room.ts"
import { RoomAccess } from "../../domain/RoomAccess.ts"
import { Journal } from "../../ports/Journal.ts"
import { MessageHistory } from "../../ports/MessageHistory.ts"
import type { HistoryQuery } from "../../ports/MessageHistory.ts"
import { Api, defaultHistory } from "./Api.ts"
import { RoomForbidden, Unavailable } from "./ApiProblems.ts"
import { CurrentPrincipal, storeRetrySeconds } from "./Authorization.ts"
import { linkOf, pageText } from "./HistoryPage.ts"

/** `X-Parley-Epoch` says which log the positions are of. */
export const historyHeaders = (epoch: string, link: string | undefined): Record<string, string> => ({
  "x-parley-epoch": epoch,
  ...(link === undefined ? {} : { link })
})

/** History. */
export const layer = HttpApiBuilder.group(
  Api,
  "message",
  Effect.fnUntraced(function* (handlers) {
    const history = yield* MessageHistory
    const access = yield* RoomAccess
    const { epoch } = yield* Journal

    return handlers.handleRaw("history", ({ query: asked }) =>
      Effect.gen(function* () {
        const query: HistoryQuery = { ...asked, room: asked.room ?? defaultRoom, limit: asked.limit ?? defaultHistory }
        const token = (yield* HttpServerRequest).headers["x-room-token"]
        yield* access
          .enter(yield* CurrentPrincipal, query.room, token === undefined ? undefined : Redacted.make(token))
          .pipe(Effect.mapError(() => new RoomForbidden({})))
        const page = yield* history.page(query)
        const [first, last] = [page.entries.at(0), page.entries.at(-1)]
        const link = first && last && linkOf(query, { first: first.seq, last: last.seq, head: page.head })
        return HttpServerResponse.text(pageText(query.room, page.entries), {
          contentType: "application/json",
          headers: historyHeaders(epoch, link)
        })
      }).pipe(
        Effect.withSpan("GetMessagesHistory"),
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
