import { beforeEach } from "@effect/vitest"
import { sessionStoreContract } from "../../contract/SessionStore.ts"
import { usersContract } from "../../contract/Users.ts"
import { noMariaDb } from "../../servers/MariaDb.ts"
import { freshPeople } from "../../support/MariaDbs.ts"

beforeEach((test) => test.skip(noMariaDb !== undefined, noMariaDb))

usersContract("MariaDB", freshPeople)
sessionStoreContract("MariaDB", freshPeople)
