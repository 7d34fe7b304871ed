import { journalContract } from "../../contract/Journal.ts"
import { memory } from "../../support/Journals.ts"

journalContract(memory)
