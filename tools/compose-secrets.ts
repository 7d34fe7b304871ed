/**
 * Makes what the services of docker-compose.yaml keep from everybody else: `node tools/compose-secrets.ts <directory> <MySQL's uid> <server's uid>`.
 *
 * A secret is what the environment says (`JWT_SECRET`, `SUBSCRIPTION_SECRET`, `DB_PASSWORD`, `MYSQL_ROOT_PASSWORD`), else what was made before, else random. It is kept in
 * `<directory>/kept` and copied for its readers, a file a reader, mode 0600. Every run does all of it and each file appears whole, so a run that was cut
 * off is made good by the next one.
 */
import { randomBytes } from "node:crypto"
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const [directory = "", ...uids] = process.argv.slice(2)
const [mysqlUid = NaN, appUid = NaN] = uids.map(Number)
if (directory === "" || !Number.isInteger(mysqlUid) || !Number.isInteger(appUid)) {
  process.stderr.write("usage: node tools/compose-secrets.ts <directory> <uid of MySQL> <uid of the server>\n")
  process.exit(2)
}

interface Secret {
  readonly variable: string
  readonly kept: string
  readonly bytes: number
  /** What a given value must be, in words; undefined when it is. */
  readonly wrong: (value: string) => string | undefined
  readonly readers: ReadonlyArray<{ readonly file: string; readonly uid: number }>
}

/** The image of MySQL puts passwords into SQL as they are. */
const plain = (value: string) =>
  /^[\x20-\x7e]+$/.test(value) && !/['"\\]/.test(value) ? undefined : "printable ASCII without quotes and backslashes"

const secrets: ReadonlyArray<Secret> = [
  {
    variable: "JWT_SECRET",
    kept: "jwt-secret",
    bytes: 48,
    wrong: (value) => (Buffer.byteLength(value) >= 32 ? undefined : "at least 32 bytes"),
    readers: [{ file: "app/jwt-secret", uid: appUid }]
  },
  {
    variable: "SUBSCRIPTION_SECRET",
    kept: "subscription-secret",
    bytes: 48,
    wrong: (value) => (Buffer.byteLength(value) >= 32 ? undefined : "at least 32 bytes"),
    readers: [{ file: "app/subscription-secret", uid: appUid }]
  },
  {
    variable: "DB_PASSWORD",
    kept: "db-password",
    bytes: 24,
    wrong: plain,
    readers: [
      { file: "app/db-password", uid: appUid },
      { file: "mysql/password", uid: mysqlUid }
    ]
  },
  {
    variable: "MYSQL_ROOT_PASSWORD",
    kept: "mysql-root-password",
    bytes: 24,
    wrong: plain,
    readers: [{ file: "mysql/root-password", uid: mysqlUid }]
  }
]

const given = (name: string): string => process.env[name] ?? ""

const problems = secrets.flatMap(({ variable, wrong }) => {
  const expected = given(variable) === "" ? undefined : wrong(given(variable))
  return expected === undefined
    ? []
    : [`${variable}: expected ${expected}, got ${Buffer.byteLength(given(variable))} bytes (not shown)`]
})
if (given("DB_USER") === "root")
  problems.push("DB_USER: expected a user other than root, whom MySQL's image does not make")
if (problems.length > 0) {
  process.stderr.write(problems.map((problem) => `secrets: ${problem}\n`).join(""))
  process.exit(1)
}

/** The file has all of it or is as it was before; it is on disk before it has its name. */
const put = (file: string, content: string, uid?: number): void => {
  const path = join(directory, file)
  const unfinished = `${path}.unfinished`
  // Left by a run that was cut off; it may be its reader's already.
  rmSync(unfinished, { force: true })
  writeFileSync(unfinished, content, { mode: 0o600, flush: true })
  if (uid !== undefined) chownSync(unfinished, uid, uid)
  renameSync(unfinished, path)
}

mkdirSync(join(directory, "kept"), { recursive: true, mode: 0o700 })
for (const reader of ["app", "mysql"]) mkdirSync(join(directory, reader), { recursive: true, mode: 0o755 })

for (const { bytes, kept, readers, variable } of secrets) {
  const file = join("kept", kept)
  const before = existsSync(join(directory, file)) ? readFileSync(join(directory, file), "utf8") : ""
  const secret = given(variable) || before || randomBytes(bytes).toString("base64url")
  if (secret !== before) put(file, secret)
  for (const reader of readers) put(reader.file, secret, reader.uid)
}
