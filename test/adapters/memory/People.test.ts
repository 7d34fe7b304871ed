import { Layer } from "effect"
import { layer as sessionStore } from "../../../src/adapters/memory/SessionStore.ts"
import { layer as users } from "../../../src/adapters/memory/Users.ts"
import { sessionStoreContract } from "../../contract/SessionStore.ts"
import { usersContract } from "../../contract/Users.ts"

usersContract("memory", users)
sessionStoreContract("memory", Layer.merge(users, sessionStore))
