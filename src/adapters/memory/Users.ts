import { Effect, Layer, Option } from "effect"
import { UserId } from "../../domain/Account.ts"
import { Users, UsernameTaken } from "../../ports/Users.ts"
import type { UserRecord } from "../../ports/Users.ts"

/** Accounts that last as long as the process: for tests and for trying things out. Grows with the accounts. */
export const layer: Layer.Layer<Users> = Layer.sync(Users, () => {
  const byUsername = new Map<string, UserRecord>()
  return {
    create: ({ username, fullName, passwordHash }) =>
      Effect.suspend(() => {
        if (byUsername.has(username)) return Effect.fail(new UsernameTaken({ username }))
        const profile = { userId: UserId.make(byUsername.size + 1), username, fullName }
        byUsername.set(username, { ...profile, passwordHash })
        return Effect.succeed(profile)
      }),
    findByUsername: (username) => Effect.sync(() => Option.fromUndefinedOr(byUsername.get(username))),
    replacePasswordHash: ({ from, to, userId }) =>
      Effect.sync(() => {
        for (const user of byUsername.values()) {
          if (user.userId !== userId || user.passwordHash !== from) continue
          byUsername.set(user.username, { ...user, passwordHash: to })
          return true
        }
        return false
      })
  }
})
