import { Command, FileSystem, Path } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import Database from "better-sqlite3"
import { Effect, Logger, LogLevel, Option, Schema, type Scope, Stream, Tracer } from "effect"
import { type HealingRequest, HealingStore, type HealingStoreError } from "effect-healing"
import * as SqliteFile from "../../src/store/SqliteFile.js"
import { bundle } from "../support/bundle.js"
import { aRequest, ended, insert, move, openStore } from "../support/storeSamples.js"

const FINALS = ["completed", "failed", "skipped", "cancelled", "coalesced"] as const

const tempFolder = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())

const tempFile = Effect.zipWith(tempFolder, Path.Path, (folder, path) => path.join(folder, "healing.db"))

const open = (filename: string) => openStore(HealingStore.layerSqlite(filename))

/** The store together with its own connection. */
const openBoth = SqliteFile.open

/** A connection of somebody else. */
const connect = (filename: string, options?: Database.Options) =>
  Effect.acquireRelease(
    Effect.sync(() => new Database(filename, options)),
    (database) => Effect.sync(() => database.close())
  )

const withDatabase = <A>(filename: string, use: (database: Database.Database) => A, options?: Database.Options) =>
  Effect.scoped(Effect.map(connect(filename, options), use))

const all = (filename: string, sql: string) => withDatabase(filename, (database) => database.prepare(sql).all())

const Line = Schema.parseJson(
  Schema.Struct({
    pid: Schema.Int,
    holds: Schema.optional(Schema.Boolean),
    reason: Schema.optional(Schema.String),
    message: Schema.optionalWith(Schema.String, { default: () => "" }),
    again: Schema.optional(Schema.String),
    batches: Schema.optionalWith(Schema.Int, { default: () => 0 })
  })
)

const storeProcess = Effect.promise(() => bundle(new URL("../support/storeProcess.ts", import.meta.url)))

/** In a process of its own, until it has printed its line; it is killed at the end of the scope if it still runs. */
const startProcess = (command: Command.Command) =>
  Effect.gen(function* () {
    const child = yield* Command.start(Command.stderr(command, "inherit"))
    yield* Effect.addFinalizer(() => Effect.ignore(child.kill("SIGKILL")))
    const line = yield* child.stdout.pipe(Stream.decodeText(), Stream.splitLines, Stream.runHead)
    return { child, line: yield* Schema.decode(Line)(Option.getOrElse(line, () => "it has printed nothing")) }
  })

const inProcess = (what: "open" | "hold" | "fill" | "nobody", filename: string) =>
  Effect.flatMap(storeProcess, (program) => startProcess(Command.make(process.execPath, program, what, filename)))

const big = (number: number, fields: Partial<HealingRequest> = {}) =>
  ended(number, number, { report: { summary: "x".repeat(20_000) }, ...fields })

const scoped = <E>(name: string, test: () => Effect.Effect<unknown, E, NodeContext.NodeContext | Scope.Scope>) =>
  it.scopedLive(name, () => Effect.provide(test(), NodeContext.layer))

describe("the connection", () => {
  scoped("waits until each commit has reached the disk", () =>
    Effect.gen(function* () {
      const { sql } = yield* openBoth(yield* tempFile)
      assert.deepStrictEqual(yield* sql`PRAGMA synchronous`, [{ synchronous: 2 }])
      assert.deepStrictEqual(yield* sql`PRAGMA journal_mode`, [{ journal_mode: "wal" }])
    })
  )

  scoped("leaves what it has written, in folders that it has made", () =>
    Effect.gen(function* () {
      const path = yield* Path.Path
      const filename = path.join(yield* tempFolder, "ä b", "c'd", "healing #1?.db")
      const requests = [aRequest(1), aRequest(2, { state: "running", starts: [3] }), ended(3, 4)]
      const queueState = { paused: true, rateLimitedUntil: 5, rateLimits: 1 }
      yield* Effect.scoped(
        Effect.flatMap(open(filename), ({ commit }) =>
          commit([...requests.map(insert), { _tag: "QueueState", state: queueState }])
        )
      )
      for (let i = 0; i < 2; i++) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const store = yield* open(filename)
            assert.deepStrictEqual((yield* store.page("pending", 1, 9)).requests, [aRequest(1)])
            assert.deepStrictEqual((yield* store.page("running", 1, 9)).requests, requests.slice(1, 2))
            assert.deepStrictEqual(yield* store.history({ states: FINALS, limit: 9 }), [ended(3, 4)])
            assert.deepStrictEqual(yield* store.queueState, queueState)
            assert.strictEqual(yield* store.lastNumber, 3)
          })
        )
      }
      const fs = yield* FileSystem.FileSystem
      assert.isTrue(yield* fs.exists(filename), "under the name that was given")
    })
  )

  scoped("lets others read meanwhile", () =>
    Effect.gen(function* () {
      const filename = yield* tempFile
      const store = yield* open(filename)
      yield* store.commit([insert(aRequest(1))])
      const reader = yield* connect(filename, { readonly: true, fileMustExist: true })
      const states = reader.prepare("SELECT state FROM healing_requests").pluck()
      assert.deepStrictEqual(states.all(), ["pending"])
      reader.exec("BEGIN")
      assert.deepStrictEqual(states.all(), ["pending"])
      yield* store.commit([move("pending", aRequest(1, { state: "running" }))])
      assert.deepStrictEqual(states.all(), ["pending"], "what was there when it began to read")
      reader.exec("COMMIT")
      assert.deepStrictEqual(states.all(), ["running"])
    })
  )

  scoped("works beside the tables of others, and their migrations", () =>
    Effect.gen(function* () {
      const filename = yield* tempFile
      const others = ["jobs", "requests", "effect_sql_migrations"]
      yield* withDatabase(filename, (database) => {
        for (const table of others) {
          database.exec(`CREATE TABLE ${table} (migration_id INTEGER, name TEXT, number INTEGER)`)
          database.exec(`INSERT INTO ${table} VALUES (99, 'theirs', 99)`)
        }
      })
      const store = yield* open(filename)
      assert.strictEqual(yield* store.lastNumber, 0)
      yield* store.commit([insert(aRequest(1))])
      assert.deepStrictEqual((yield* store.page("pending", 1, 9)).requests, [aRequest(1)])
      const tables = yield* all(
        filename,
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'index') ORDER BY name"
      )
      for (const row of tables as ReadonlyArray<{ name: string }>) {
        assert(row.name.startsWith("healing_") || others.includes(row.name), row.name)
      }
      for (const table of others) {
        assert.deepStrictEqual(yield* all(filename, `SELECT * FROM ${table}`), [
          { migration_id: 99, name: "theirs", number: 99 }
        ])
      }
    })
  )
})

describe("the owner", () => {
  scoped("is one at a time in a process", () =>
    Effect.gen(function* () {
      const filename = yield* tempFile
      yield* Effect.scoped(
        Effect.gen(function* () {
          const first = yield* open(filename)
          for (let i = 0; i < 2; i++) {
            const error = yield* Effect.flip(Effect.scoped(open(filename)))
            assert(error._tag === "HealingStoreError" && error.reason === "Owned")
            assert.include(error.message, `the process ${process.pid} (`)
            assert.include(error.message, filename)
          }
          yield* first.commit([insert(aRequest(1))])
        })
      )
      const next = yield* open(filename)
      assert.deepStrictEqual((yield* next.page("pending", 1, 9)).requests, [aRequest(1)])
    })
  )

  scoped("is one at a time under whatever name", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const filename = yield* tempFile
      const link = path.join(yield* tempFolder, "link.db")
      yield* open(filename)
      yield* fs.symlink(filename, link)
      for (const name of [link, path.relative(process.cwd(), filename)]) {
        const error = yield* Effect.flip(Effect.scoped(open(name)))
        assert(error._tag === "HealingStoreError" && error.reason === "Owned")
      }
    })
  )

  scoped("is named to another process, and the file is free when it was killed", () =>
    Effect.gen(function* () {
      const filename = yield* tempFile
      const { child, line } = yield* inProcess("hold", filename)
      assert.isTrue(line.holds)
      const error = yield* Effect.flip(Effect.scoped(open(filename)))
      assert(error._tag === "HealingStoreError" && error.reason === "Owned")
      assert.include(error.message, `the process ${line.pid} (`)
      assert.deepStrictEqual(yield* all(filename, "SELECT number, state FROM healing_requests"), [
        { number: 1, state: "pending" }
      ])
      yield* child.kill("SIGKILL").pipe(Effect.ignore)
      const store = yield* open(filename)
      assert.deepStrictEqual((yield* store.page("pending", 1, 9)).requests, [aRequest(1)])

      const { line: other } = yield* inProcess("open", filename)
      assert.strictEqual(other.reason, "Owned")
      assert.include(other.message, `the process ${process.pid} (`)
      yield* store.commit([move("pending", aRequest(1, { state: "running" }))])
    })
  )

  scoped("is nobody when the file could not be opened", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const filename = yield* tempFile
      yield* fs.writeFileString(filename, "not a database".repeat(100))
      yield* Effect.flip(Effect.scoped(open(filename)))
      yield* fs.remove(filename)
      yield* open(filename)
    })
  )
})

describe("a file that cannot be opened", () => {
  scoped("is told from a folder", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      const error = yield* Effect.flip(open(folder))
      assert(error._tag === "HealingStoreError" && error.reason === "NotADatabase")
      assert.include(error.message, `${folder} is a directory`)
    })
  )

  scoped("needs a name", () =>
    Effect.gen(function* () {
      for (const name of ["", " "]) {
        const error = yield* Effect.flip(open(name))
        assert(error._tag === "HealingStoreError" && error.reason === "Unavailable")
      }
    })
  )

  scoped("cannot lie in a file", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const filename = yield* tempFile
      yield* fs.writeFileString(filename, "")
      const error = yield* Effect.flip(open(`${filename}/healing.db`))
      assert(error._tag === "HealingStoreError" && error.reason === "Unavailable")
      assert.include(error.message, filename)
    })
  )

  for (const [what, content] of [
    ["a text", "Dear diary,\n".repeat(500)],
    ["a short text", "Dear diary"],
    ["what begins like a database", `SQLite format 3\u0000${"x".repeat(5000)}`]
  ] as const) {
    scoped(`is left as it was: ${what}`, () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const filename = yield* tempFile
        yield* fs.writeFileString(filename, content)
        const error = yield* Effect.flip(open(filename))
        assert(error._tag === "HealingStoreError" && error.reason === "NotADatabase")
        assert.include(error.message, filename)
        assert.strictEqual(yield* fs.readFileString(filename), content)
      })
    )
  }

  scoped("is left as it was: of a newer version", () =>
    Effect.gen(function* () {
      const filename = yield* tempFile
      yield* Effect.scoped(Effect.flatMap(open(filename), ({ commit }) => commit([insert(aRequest(1))])))
      yield* withDatabase(filename, (database) => {
        database.exec("INSERT INTO healing_migrations (migration_id, name) VALUES (99, 'of the future')")
        database.exec("ALTER TABLE healing_requests ADD COLUMN mood TEXT")
        database.exec("ALTER TABLE healing_queue RENAME TO healing_queues")
      })
      const contents = Effect.all(
        ["sqlite_master", "healing_requests", "healing_queues", "healing_migrations"].map((table) =>
          all(filename, `SELECT * FROM ${table}`)
        )
      )
      const before = yield* contents
      const error = yield* Effect.flip(Effect.scoped(open(filename)))
      assert(error._tag === "HealingStoreError" && error.reason === "TooNew")
      assert.include(error.message, "version 99")
      assert.deepStrictEqual(yield* contents, before)
    })
  )

  scoped("may be one that may not be written", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const folder = yield* tempFolder
      const filename = path.join(folder, "healing.db")
      yield* Effect.scoped(Effect.flatMap(open(filename), ({ commit }) => commit([insert(aRequest(1))])))
      yield* fs.remove(`${filename}-owner`)
      yield* fs.chmod(filename, 0o444)
      yield* fs.chmod(folder, 0o777)
      const { line } = yield* inProcess("nobody", filename)
      assert.strictEqual(line.reason, "ReadOnly")
      assert.include(line.message, filename)
      assert.deepStrictEqual(yield* all(filename, "SELECT number FROM healing_requests"), [{ number: 1 }])
      assert.deepStrictEqual(yield* fs.readDirectory(folder), ["healing.db"], "nothing that would be in the way later")

      if (process.getuid?.() === 0) yield* fs.chown(filename, 65534, 65534)
      yield* fs.chmod(filename, 0o644)
      const { line: later } = yield* inProcess("nobody", filename)
      assert.isUndefined(later.reason)
    })
  )

  scoped("may be one in a folder that may not be written", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const folder = yield* tempFolder
      yield* Effect.addFinalizer(() => Effect.ignore(fs.chmod(folder, 0o755)))
      yield* fs.chmod(folder, 0o555)
      for (const [name, reason] of [
        ["healing.db", "Unavailable"],
        ["sub/healing.db", "ReadOnly"]
      ] as const) {
        const { line } = yield* inProcess("nobody", path.join(folder, name))
        assert.strictEqual(line.reason, reason)
        assert.match(line.message, /writ/, "it says what to do")
        assert.include(line.message, folder)
      }
      assert.deepStrictEqual(yield* fs.readDirectory(folder), [])
    })
  )
})

describe("a full disk", () => {
  scoped("fails a commit as a whole, and takes it when there is room again", () =>
    Effect.gen(function* () {
      const { sql, store } = yield* openBoth(yield* tempFile)
      yield* store.commit([insert(aRequest(1)), insert(aRequest(2, { job: "B" }))])
      const [row] = yield* sql<{ page_count: number }>`PRAGMA page_count`
      yield* sql.unsafe(`PRAGMA max_page_count = ${Number(row?.page_count) + 20}`)
      const commit = store.commit([
        move("pending", aRequest(1, { state: "running" })),
        { _tag: "QueueState", state: { paused: true, rateLimitedUntil: 1, rateLimits: 1 } },
        ...Array.from({ length: 10 }, (_, i) => insert(big(3 + i)))
      ])
      for (let i = 0; i < 3; i++) {
        const error = yield* Effect.flip(commit)
        assert.strictEqual(error.reason, "Full")
        assert.match(error.message, /free some/)
        assert.deepStrictEqual((yield* store.page("pending", 1, 9)).requests, [aRequest(1), aRequest(2, { job: "B" })])
        assert.deepStrictEqual(yield* store.history({ states: FINALS, limit: 9 }), [])
        assert.isUndefined(yield* store.queueState)
        assert.strictEqual(yield* store.lastNumber, 2)
      }
      yield* store.commit([move("pending", aRequest(2, { job: "B", state: "running" }))])
      yield* sql`PRAGMA max_page_count = 1000000`
      yield* commit
      assert.deepStrictEqual((yield* store.page("running", 1, 9)).requests, [
        aRequest(1, { state: "running" }),
        aRequest(2, { job: "B", state: "running" })
      ])
      assert.strictEqual(yield* store.lastNumber, 12)
    })
  )

  scoped("is told of when a file may not grow any more, and nothing half written stays", () =>
    Effect.gen(function* () {
      const filename = yield* tempFile
      const { line } = yield* startProcess(
        Command.make(
          "sh",
          "-c",
          `trap '' XFSZ; ulimit -f 4096; exec "$0" "$@"`,
          process.execPath,
          yield* storeProcess,
          "fill",
          filename
        )
      )
      assert.strictEqual(line.reason, "Full")
      assert.strictEqual(line.again, "Full")
      assert.isAbove(line.batches, 0)
      const store = yield* open(filename)
      assert.strictEqual(yield* store.lastNumber, line.batches * 10)
      assert.deepStrictEqual(yield* store.queueState, {
        paused: false,
        rateLimitedUntil: null,
        rateLimits: line.batches
      })
      const history = yield* store.history({ states: FINALS, limit: 1000 })
      assert.deepStrictEqual(history, Array.from({ length: line.batches * 10 }, (_, i) => big(i + 1)).reverse())
      assert.deepStrictEqual(yield* all(filename, "PRAGMA integrity_check"), [{ integrity_check: "ok" }])
      yield* store.commit([insert(aRequest(line.batches * 10 + 1))])
    })
  )
})

describe("a commit that was refused", () => {
  scoped("leaves no transaction open", () =>
    Effect.gen(function* () {
      const filename = yield* tempFile
      const { sql, store } = yield* openBoth(filename)
      yield* store.commit([insert(aRequest(1))])
      assert.strictEqual((yield* Effect.flip(store.commit([move("running", ended(1, 2))]))).reason, "UnexpectedState")
      // Which would fail, and wait for a lock, if one were open.
      yield* withDatabase(filename, (other) => other.exec("CREATE TABLE others (id)"), { timeout: 0 })
      yield* sql.withTransaction(store.lastNumber)
      yield* store.commit([move("pending", aRequest(1, { state: "running" }))])
    })
  )

  scoped("because another program holds a lock succeeds later", () =>
    Effect.gen(function* () {
      const filename = yield* tempFile
      const store = yield* open(filename)
      const commit = store.commit([insert(aRequest(1))])
      const other = yield* connect(filename)
      other.exec("BEGIN IMMEDIATE")
      const error = yield* Effect.flip(commit)
      other.exec("ROLLBACK")
      assert.strictEqual(error.reason, "Unavailable")
      assert.include(error.message, "another program")
      yield* commit
      assert.deepStrictEqual((yield* store.page("pending", 1, 9)).requests, [aRequest(1)])
    })
  )
})

describe("a row that cannot be read", () => {
  const SECRET = "s3cret"

  /** What somebody has written into which column, and which column the reason is to name. */
  const tampered: ReadonlyArray<readonly [column: string, value: string | number | null]> = [
    ["triggers", SECRET],
    ["triggers", `["${SECRET}"`],
    ["triggers", "[]"],
    ["triggers", `[{"${SECRET}":1}]`],
    ["job", ""],
    ["job", SECRET.repeat(100)],
    ["priority", 0],
    ["priority", SECRET],
    ["callers_only", SECRET],
    ["submitted_at", SECRET],
    ["submitted_at", 1.5],
    ["not_before", SECRET],
    ["wait_until", SECRET],
    ["attempts", -1],
    ["attempts", SECRET],
    ["starts", SECRET],
    ["starts", `["${SECRET}"]`],
    ["report", SECRET],
    ["report", `{"summary":"","${SECRET}":1}`]
  ]

  const tamper = (filename: string, number: number, column: string, value: string | number | null) =>
    withDatabase(filename, (database) =>
      database.prepare(`UPDATE healing_requests SET ${column} = ? WHERE number = ?`).run(value, number)
    )

  /** Of each job one, since only one of it may be pending; the first, the last and some in between are good. */
  const badNumber = (index: number) => 2 * index + 2

  const withBad = (make: (number: number) => HealingRequest) =>
    Effect.gen(function* () {
      const filename = yield* tempFile
      const store = yield* open(filename)
      const requests = Array.from({ length: 2 * tampered.length + 1 }, (_, i) => make(i + 1))
      yield* store.commit(requests.map(insert))
      for (const [i, [column, value]] of tampered.entries()) {
        yield* tamper(filename, badNumber(i), column, value)
      }
      return { filename, store, good: requests.filter(({ number }) => number % 2 === 1) }
    })

  const setAside = (filename: string) =>
    Effect.map(
      all(filename, "SELECT number, reason FROM healing_requests WHERE state = 'unreadable' ORDER BY number"),
      (rows) => rows as ReadonlyArray<{ readonly number: number; readonly reason: string }>
    )

  const assertReasons = (rows: ReadonlyArray<{ readonly number: number; readonly reason: string }>) => {
    assert.deepStrictEqual(
      rows.map(({ number }) => number),
      tampered.map((_, i) => badNumber(i))
    )
    for (const [i, { reason }] of rows.entries()) {
      assert.strictEqual(reason, `its row cannot be read: ${tampered[i]?.[0]}`)
      assert.notInclude(reason, SECRET)
    }
  }

  for (const state of ["pending", "running"] as const) {
    scoped(`is set aside by a page of those that are ${state}, and the others go on`, () =>
      Effect.gen(function* () {
        const { filename, good, store } = yield* withBad((number) => aRequest(number, { job: `job ${number}`, state }))
        const seen: Array<HealingRequest> = []
        const aside: Array<{ readonly number: number; readonly reason: string }> = []
        for (let from: number | undefined = 1; from !== undefined; ) {
          const page: Effect.Effect.Success<ReturnType<typeof store.page>> = yield* store.page(state, from, 4)
          seen.push(...page.requests)
          aside.push(...page.setAside)
          from = page.next
        }
        assert.deepStrictEqual(seen, good)
        assertReasons(aside)
        assert.deepStrictEqual(yield* setAside(filename), aside)
        assert.deepStrictEqual(yield* store.page(state, 1, 100), { requests: good, setAside: [], next: undefined })
      })
    )
  }

  scoped("is set aside by the history, with a warning, and the others are told", () =>
    Effect.gen(function* () {
      const { filename, good, store } = yield* withBad((number) => ended(number, number, { job: `job ${number}` }))
      const warned: Array<string> = []
      const logger = Logger.make(({ message }) => {
        warned.push(String(message))
      })
      const history = Effect.provide(
        store.history({ states: FINALS, limit: 100 }),
        Logger.replace(Logger.defaultLogger, logger)
      )
      assert.deepStrictEqual(yield* history, good.reverse())
      const aside = yield* setAside(filename)
      assertReasons(aside)
      assert.deepStrictEqual(
        warned.sort(),
        aside.map(({ number, reason }) => `Request ${number} was set aside: ${reason}`).sort()
      )
      assert.deepStrictEqual(yield* history, good)
      assert.strictEqual(warned.length, aside.length, "once")
    })
  )

  scoped("is not in the way of what the others tell", () =>
    Effect.gen(function* () {
      const filename = yield* tempFile
      const store = yield* open(filename)
      yield* store.commit([
        insert(ended(1, 10, { triggers: ["schedule"], starts: [5] })),
        insert(ended(2, 20, { job: "B", triggers: ["schedule"], starts: [6] })),
        insert(ended(3, 30, { job: "C", triggers: ["schedule"], starts: [7] })),
        insert(ended(4, 5, { job: "C" }))
      ])
      yield* tamper(filename, 2, "starts", "x")
      yield* tamper(filename, 3, "ended_at", "x")
      assert.deepStrictEqual(yield* store.automaticStarts(0, 1e15, 9), [7, 5])
      assert.deepStrictEqual(Object.fromEntries(yield* store.lastCompleted(0, 1e15)), { A: 10, B: 20, C: 5 })
      const history = store.history({ states: FINALS, limit: 9 }).pipe(Logger.withMinimumLogLevel(LogLevel.None))
      assert.deepStrictEqual(
        (yield* history).map(({ number }) => number),
        [1, 4]
      )
      assert.deepStrictEqual(
        (yield* setAside(filename)).map(({ number }) => number),
        [2, 3]
      )
      assert.deepStrictEqual(yield* store.automaticStarts(0, 1e15, 9), [7, 5])
      assert.strictEqual(yield* store.lastNumber, 4)
      assert.strictEqual((yield* Effect.flip(store.commit([move("completed", ended(2, 9))]))).reason, "UnexpectedState")
    })
  )
})

describe("a trace", () => {
  scoped("has no statement in it, whatever is asked of the store", () =>
    Effect.gen(function* () {
      const { store } = yield* openBoth(":memory:")
      const names: Array<string> = []
      const native = yield* Effect.tracer
      const tracer = Tracer.make({
        context: (run) => run(),
        span: (name, ...others) => {
          names.push(name)
          return native.span(name, ...others)
        }
      })
      const members = [store, store.notices, store.suggestions].flatMap((group) => Object.entries(group))
      const query = { states: ["pending"], limit: 1, job: "x", kind: "x", subject: "x", request: 1, position: 0 }
      // Only that statements are run matters here, and not what comes of them.
      type Asked = Effect.Effect<void, HealingStoreError>
      const isAsked = (member: unknown): member is Asked => Effect.isEffect(member)
      const asked = members.map(([name, member]): Asked => {
        if (name === "backup" || name === "commit") return store.commit([insert(aRequest(1))])
        if (isAsked(member)) return member
        return typeof member === "function" ? Effect.suspend(() => member(query, 1, 1, 1)) : Effect.void
      })
      yield* Effect.forEach(asked, (one) => Effect.exit(one), { discard: true }).pipe(Effect.withTracer(tracer))
      assert.isAbove(asked.length, 30)
      assert.deepStrictEqual(names, [])
      // It would have heard of them.
      yield* Effect.exit(Effect.withSpan(Effect.void, "heard").pipe(Effect.withTracer(tracer)))
      assert.deepStrictEqual(names, ["heard"])
    })
  )
})
