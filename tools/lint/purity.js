/**
 * One rule for oxlint: no `try` where errors are values. A `try` in `src/domain` or `src/ports` would catch defects and hide them.
 */
const noTry = {
  create: (context) => ({
    TryStatement: (node) =>
      context.report({ node, message: "No try here: errors are values (Effect.try, Result, Exit)." })
  })
}

export default { meta: { name: "purity" }, rules: { "no-try": noTry } }
