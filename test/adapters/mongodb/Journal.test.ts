import { Layer } from "effect"
import * as History from "../../../src/adapters/journal/MessageHistory.ts"
import { journalContract } from "../../contract/Journal.ts"
import { messageHistoryContract } from "../../contract/MessageHistory.ts"
import { onMongoDb } from "../../servers/FerretDb.ts"
import { mongodb } from "../../support/Journals.ts"

await onMongoDb("the journal on mongodb", (uri) => {
  const adapter = mongodb(uri)
  journalContract(adapter)
  messageHistoryContract("the journal on mongodb", Layer.provideMerge(History.layer, Layer.unwrap(adapter.empty)))
})
