import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { DatabaseSync } from "node:sqlite"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { layer } from "../../../src/adapters/sqlite/Journal.ts"
import { encodeEvent } from "../../../src/adapters/journal/EventCodec.ts"
import { Journal } from "../../../src/ports/Journal.ts"
import { at, message, room } from "../../support/Events.ts"
import { temporaryDirectory } from "../../support/TemporaryDirectory.ts"

const a = room("a")
const use = <A, E>(directory: string, body: (journal: Journal["Service"]) => Effect.Effect<A, E>) =>
  Effect.flatMap(Journal, body).pipe(Effect.provide(Layer.fresh(layer({ directory }))))

const open = (directory: string) => Effect.scoped(Layer.build(Layer.fresh(layer({ directory }))))

const write = (directory: string, sql: string) =>
  Effect.sync(() => {
    mkdirSync(directory, { recursive: true })
    const db = new DatabaseSync(join(directory, "journal.db"))
    db.exec(sql)
    db.close()
  })

describe("the journal's file", () => {
  it.effect("is made with its directory, which only its owner may enter, and is one file when it is closed", () =>
    Effect.gen(function* () {
      const directory = join(yield* temporaryDirectory, "deeper", "data")
      yield* use(directory, (journal) => journal.append(a, at(0), [message("1")]))
      expect(statSync(directory).mode & 0o777).toBe(0o700)
      expect(statSync(join(directory, "journal.db")).mode & 0o777).toBe(0o600)
      expect(existsSync(join(directory, "journal.db-wal"))).toBe(false)
    })
  )

  it.effect("is in WAL mode and can be read with json_each", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* use(directory, (journal) => journal.append(a, at(0), [message("1"), message("2")]))
      const db = new DatabaseSync(join(directory, "journal.db"), { readOnly: true })
      const texts = db.prepare("select value ->> '$.payload.message' as text from batches, json_each(entries)").all()
      expect(texts.map((row) => row["text"])).toEqual(["1", "2"])
      expect(db.prepare("pragma journal_mode").get()).toMatchObject({ journal_mode: "wal" })
      db.close()
    })
  )

  it.effect("of a newer release is left alone, with one line that says so", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* open(directory)
      yield* write(directory, "update meta set value = '3' where key = 'schema_version'")
      const error = yield* Effect.flip(open(directory))
      expect(error).toMatchObject({ _tag: "JournalOpenError" })
      expect(error.message).toBe(
        `The journal ${directory}/journal.db cannot be opened: it was written by a newer release (schema 3, this one knows 2)`
      )
    })
  )

  it.effect("of schema 1 is converted: the same epoch, the same entries, and it goes on", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* write(
        directory,
        `create table meta (key text primary key, value text not null) without rowid;
        create table rooms (id integer primary key, name text not null unique);
        create table batches (room integer not null, first integer not null, count integer not null, entries text not null);
        create unique index batches_position on batches (room, first);
        create table client_ids (key text not null, room integer not null, seq integer not null, primary key (key, room)) without rowid;
        insert into meta values ('schema_version', '1'), ('epoch', 'the first one');
        insert into rooms values (1, 'a'), (2, 'b');
        insert into batches values (2, 1, 1, '[${encodeEvent(message("b1"))}]'), (1, 1, 2, '[${encodeEvent(message("a1"))},${encodeEvent(message("a2"))}]'), (2, 2, 1, '[${encodeEvent(message("b2"))}]');`
      )
      const read = yield* use(directory, (journal) =>
        Effect.gen(function* () {
          expect(journal.epoch).toBe("the first one")
          yield* journal.append(a, at(2), [message("a3")])
          return yield* Effect.forEach([a, room("b")], (name) => journal.read(name, at(0), 10))
        })
      )
      const texts = read.map((entries) => entries.map(({ seq, event }) => [seq, event.payload]))
      const expected = (...names: ReadonlyArray<string>) => names.map((name, index) => [index + 1, { message: name }])
      expect(texts).toEqual([expected("a1", "a2", "a3"), expected("b1", "b2")])
      expect(yield* use(directory, (journal) => journal.head(a))).toBe(3)
    })
  )

  it.effect("that is another program's database is left as it is", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* write(directory, "create table theirs (x)")
      const before = readFileSync(join(directory, "journal.db"))
      const error = yield* Effect.flip(open(directory))
      expect(error.message).toContain("journal.db cannot be opened: it is a database, but not a journal")
      expect(readFileSync(join(directory, "journal.db")).equals(before)).toBe(true)
    })
  )

  it.effect("that is no database, or a damaged one, is named in one line", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* open(directory)
      const path = join(directory, "journal.db")
      const whole = readFileSync(path)
      const damaged = Buffer.from(whole)
      damaged.fill(0xa5, damaged.length - 3 * 4096)
      for (const content of [Buffer.from("not a database ".repeat(400)), damaged]) {
        writeFileSync(path, content)
        const error = yield* Effect.flip(open(directory))
        expect(error).toMatchObject({ _tag: "JournalOpenError", file: path })
        expect(error.message).toMatch(/^The journal \/.*journal\.db cannot be opened: [^\n]+$/)
      }
    })
  )

  it.effect("in a directory that cannot be made is an error in one line", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      writeFileSync(join(directory, "file"), "")
      const error = yield* Effect.flip(open(join(directory, "file", "data")))
      expect(error.message).toMatch(/^The journal \/.*journal\.db cannot be opened: .*ENOTDIR.*$/)
    })
  )

  it.effect("holds everything that was acknowledged before the process was killed in a flood, once", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      for (let kill = 0; kill < 2; kill++) {
        const acknowledged = yield* Effect.promise(async () => {
          const child = spawn(
            process.execPath,
            [join(import.meta.dirname, "../../support/JournalFlood.ts"), directory],
            {
              stdio: ["ignore", "pipe", "inherit"]
            }
          )
          const heads = new Map<string, number>()
          const gone = once(child, "exit")
          let lines = 0
          for await (const line of createInterface({ input: child.stdout })) {
            const [name = "", head = ""] = line.split(" ")
            heads.set(name, Number(head))
            if (++lines === 400 + kill * 77) child.kill("SIGKILL")
          }
          await gone
          return heads
        })
        expect(acknowledged.size).toBe(8)
        yield* use(directory, (journal) =>
          Effect.gen(function* () {
            for (const [name, head] of acknowledged) {
              const entries = yield* journal.read(room(name), at(0), 100_000)
              expect(entries.length).toBeGreaterThanOrEqual(head)
              expect(entries.length).toBe(yield* journal.head(room(name)))
              for (const [index, { seq, event }] of entries.entries()) {
                expect(seq).toBe(index + 1)
                expect(event.payload).toEqual({ message: `${name} ${seq}` })
              }
            }
          })
        )
      }
    })
  )
})
