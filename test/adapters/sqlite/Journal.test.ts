import { journalContract } from "../../contract/Journal.ts"
import { sqlite } from "../../support/Journals.ts"

journalContract(sqlite)
