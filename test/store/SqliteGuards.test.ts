/**
 * R1, R13, R14: what people and other processes do to the files of a store while it is in use. Nothing is acknowledged that is nowhere,
 * and never do two processes own one file.
 */
import { execFileSync, spawn } from "node:child_process"
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout } from "node:timers/promises"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import Database from "better-sqlite3"
import { Effect, Exit, Fiber, Logger, Option, Runtime, Scope, TestClock } from "effect"
import * as fc from "effect/FastCheck"
import type { HealingStoreError } from "effect-healing"
import { occurrence } from "../../src/store/Change.js"
import * as SqliteFile from "../../src/store/SqliteFile.js"
import { bundle } from "../support/bundle.js"
import { settle } from "../support/gateWorld.js"
import { beforeOp } from "../support/interruptBeforeOp.js"
import { isFull, parameters, patienceFor, restingProperty, runsOf } from "../support/property.js"
import { aRequest, ended, insert } from "../support/storeSamples.js"

// In memory where there is such a place: what is meddled with is files, and no disk.
const place = existsSync("/dev/shm") ? "/dev/shm" : tmpdir()

const tempFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(place, "effect-healing-guards-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const byOther = (command: string, ...args: ReadonlyArray<string>) =>
  // By another process, as people do it: this one would lose its locks when it closes the file.
  void execFileSync(command, args, { stdio: "ignore" })

/** A commit of two requests, so that it is a transaction. */
const twoOf = (number: number) =>
  [2 * number + 1, 2 * number + 2].map((number) => insert(ended(number, number, { job: `job ${number}` })))

/** What stands in the file, for somebody who looks there now. */
const all = (file: string, sql: string): number => {
  const database = new Database(file, { readonly: true })
  try {
    return Number(database.prepare(sql).pluck().get())
  } finally {
    database.close()
  }
}

/** Whether both of them are in the file, for somebody who looks there now. */
const hasTwo = (file: string, number: number): boolean =>
  all(file, `SELECT COUNT(*) FROM healing_requests WHERE number > ${2 * number}`) === 2

interface Files {
  readonly file: string
  /** Somewhere else in the same folder. */
  readonly aside: string
  /** Copies of the file: from before this life, from this life, and one that `backup` has made. */
  readonly copies: ReadonlyArray<string>
}

type Sabotage = readonly [name: string, says: RegExp, sabotage: (files: Files) => void]

const sabotages: ReadonlyArray<Sabotage> = [
  ["it is removed", /healing\.db was removed/, ({ file }) => rmSync(file)],
  ["it is moved away", /healing\.db was removed/, ({ aside, file }) => renameSync(file, aside)],
  ["its log is removed", /healing\.db-wal was removed/, ({ file }) => rmSync(`${file}-wal`)],
  ["its shared memory is removed", /healing\.db-shm was removed/, ({ file }) => rmSync(`${file}-shm`)],
  [
    "its folder is moved away",
    /healing\.db was removed/,
    ({ file }) => renameSync(join(file, ".."), join(file, "..", "..", "elsewhere"))
  ],
  [
    "an empty file is in its place",
    /was replaced/,
    ({ aside, file }) => {
      writeFileSync(aside, "")
      renameSync(aside, file)
    }
  ],
  ["it is emptied", /was overwritten/, ({ file }) => byOther("truncate", "-s", "0", file)],
  [
    "something else is written over it",
    /was overwritten/,
    ({ aside, file }) => {
      writeFileSync(aside, "x".repeat(9000))
      byOther("cp", aside, file)
    }
  ],
  ...[0, 1, 2].flatMap(
    (which): ReadonlyArray<Sabotage> => [
      [`copy ${which} replaces it`, /was replaced/, ({ copies, file }) => renameSync(String(copies[which]), file)],
      [
        `copy ${which} is written over it`,
        /was overwritten/,
        ({ copies, file }) => byOther("cp", String(copies[which]), file)
      ]
    ]
  )
]

const harmless: ReadonlyArray<readonly [name: string, meddle: (files: Files) => void]> = [
  ["it is touched", ({ file }) => utimesSync(file, new Date(), new Date())],
  ["its mode is changed", ({ file }) => chmodSync(file, 0o600)],
  ["it is copied", ({ aside, file }) => byOther("cp", file, aside)],
  ["somebody reads it", ({ file }) => void hasTwo(file, 0)],
  [
    "somebody moves its log into it",
    ({ file }) => {
      const other = new Database(file)
      other.pragma("wal_checkpoint(PASSIVE)")
      other.close()
    }
  ],
  ["the file of its lock is removed", ({ file }) => rmSync(`${file}-owner`)],
  [
    "the file of its lock is replaced",
    ({ aside, file }) => {
      writeFileSync(aside, "")
      renameSync(aside, `${file}-owner`)
    }
  ]
]

/** A store that has been in use for a while, with copies of its file. */
const usedStore = Effect.gen(function* () {
  const folder = join(yield* tempFolder, "there")
  mkdirSync(folder)
  const file = join(folder, "healing.db")
  const files: Files = {
    file,
    aside: join(folder, "aside"),
    copies: ["old", "mid", "backup"].map((name) => join(folder, name))
  }
  const [old, mid, backup] = files.copies
  yield* Effect.scoped(Effect.flatMap(SqliteFile.open(file), ({ store }) => store.commit(twoOf(0))))
  copyFileSync(file, String(old))
  const { sql, store } = yield* SqliteFile.open(file)
  yield* store.commit(twoOf(1))
  byOther("cp", file, String(mid))
  yield* store.commit(twoOf(2))
  // So many that they are moved from the log into the file.
  yield* store.commit(
    Array.from({ length: 1000 }, () =>
      occurrence({ job: "A", first: 1, at: 1, schedule: "x", request: null, reason: null })
    )
  )
  yield* store.backup(String(backup))
  return { files, sql, store }
})

const silent = Logger.remove(Logger.defaultLogger)

describe("a file that is not there any more", () => {
  const stride = isFull ? 3 : 149
  for (const [name, says, sabotage] of sabotages) {
    it.live(`takes nothing in: ${name}`, () =>
      Effect.gen(function* () {
        const outcomes = { acknowledged: 0, refused: 0 }
        let wasReached = true
        for (let op = 1; wasReached; op += stride) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const { files, store } = yield* usedStore
              wasReached = false
              let wasThere = false
              const meddle = () => {
                wasReached = true
                wasThere = hasTwo(files.file, 3)
                sabotage(files)
              }
              const exit = yield* Effect.either(store.commit(twoOf(3)).pipe(beforeOp(op, meddle, "go on")))
              if (!wasReached) sabotage(files)
              if (exit._tag === "Right") {
                outcomes.acknowledged++
                assert.isTrue(wasThere || !wasReached, `op ${op}: acknowledged, and it is nowhere`)
              } else {
                outcomes.refused++
                assert.strictEqual(exit.left.reason, "Replaced", exit.left.message)
              }
              for (const again of [store.commit(twoOf(4)), store.commit([insert(aRequest(99))]), store.prune(1, 9)]) {
                const error: HealingStoreError = yield* Effect.flip(again)
                assert.strictEqual(error.reason, "Replaced")
                assert.match(error.message, says)
                assert.match(error.message, /Stop this process/)
              }
            })
          )
        }
        assert.isAbove(outcomes.acknowledged, 0)
        assert.isAbove(outcomes.refused, 0)
      }).pipe(Effect.provide([NodeContext.layer, silent]))
    )
  }

  for (const [name, meddle] of harmless) {
    it.scopedLive(`is not seen where it is there: ${name}`, () =>
      Effect.gen(function* () {
        const { files, store } = yield* usedStore
        for (let i = 0; i < 3; i++) {
          meddle(files)
          yield* store.commit(twoOf(3 + i))
        }
        assert.strictEqual(yield* store.lastNumber, 12)
        assert.isTrue(existsSync(`${files.file}-owner`))
      }).pipe(Effect.provide([NodeContext.layer, silent]))
    )
  }
})

describe("a file that another process owns by now", () => {
  it.live("is not written any more, at whichever op of a commit it was taken", () =>
    Effect.gen(function* () {
      const outcomes = new Set<string>()
      let wasReached = true
      for (let op = 1; wasReached; op += isFull ? 1 : 13) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { files, store } = yield* usedStore
            const count = () => all(files.file, "SELECT COUNT(*) FROM healing_requests")
            wasReached = false
            let before = 0
            const take = () => {
              wasReached = true
              before = count()
              // As another process would, that has locked a new file: this one has the old one locked.
              const other = new Database(files.file, { timeout: 0 })
              try {
                other.exec("UPDATE healing_owner SET token = 'another', pid = 1")
              } catch {
                // It waits for the transaction.
                before = -1
              }
              other.close()
            }
            const exit = yield* Effect.either(store.commit(twoOf(3)).pipe(beforeOp(op, take, "go on")))
            if (before === -1 || !wasReached) return
            if (exit._tag === "Right") assert.strictEqual(count(), before, `op ${op}: written by one that is no owner`)
            else assert.strictEqual(exit.left.reason, "Owned")
            outcomes.add(exit._tag)
            for (const late of [store.commit(twoOf(4)), store.commit([insert(aRequest(99))]), store.prune(1e15, 9)]) {
              const error = yield* Effect.flip(late)
              assert.strictEqual(error.reason, "Owned")
              assert.match(error.message, /healing\.db is owned by the process 1 .*stop one of the two/)
            }
            assert.strictEqual(count(), before)
          })
        )
      }
      assert.deepStrictEqual([...outcomes].sort(), ["Left", "Right"])
    }).pipe(Effect.provide([NodeContext.layer, silent]))
  )
})

describe("a lock that cannot be kept", () => {
  it.scoped("makes no commit fail that is on disk, and each one after it before anything is written", () =>
    Effect.gen(function* () {
      const { files, store } = yield* usedStore
      const count = () => all(files.file, "SELECT COUNT(*) FROM healing_requests")
      const descriptors = () => readdirSync("/proc/self/fd").length
      rmSync(`${files.file}-owner`)
      writeFileSync(`${files.file}-owner`, "it can be opened, and not locked ".repeat(99))
      const before = count()
      yield* store.commit(twoOf(3))
      assert.strictEqual(count(), before + 2, "what was on disk before it was seen stands")
      const open = descriptors()
      for (let i = 0; i < 5; i++) {
        const error = yield* Effect.flip(store.commit(twoOf(4)))
        assert.notInclude(["Owned", "Replaced"], error.reason)
        assert.include(error.message, `${files.file}-owner`)
      }
      assert.strictEqual(count(), before + 2)
      assert.strictEqual(descriptors(), open)
      rmSync(`${files.file}-owner`)
      mkdirSync(`${files.file}-owner`)
      yield* Effect.flip(store.commit(twoOf(4)))
      assert.strictEqual(count(), before + 2)
      rmdirSync(`${files.file}-owner`)
      yield* store.commit(twoOf(4))
      assert.strictEqual(count(), before + 4)
    }).pipe(Effect.provide([NodeContext.layer, silent]))
  )
})

describe("a process that has lost the file, and lives", () => {
  it.scoped("is given the time to end its reviews, and one that has closed it is not", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      const file = join(folder, "healing.db")
      const former = yield* startUser(process.getuid?.() ?? 0)
      assert.isTrue((yield* former(`open ${file}`)).holds)
      rmSync(`${file}-owner`)
      const scope = yield* Scope.make()
      const opening = yield* Effect.fork(Scope.extend(SqliteFile.open(file), scope))
      const pids = () => new Database(file, { readonly: true }).prepare("SELECT pid FROM healing_owner").pluck().all()
      // It owns the file from now on, and does not go on with what the other one does.
      yield* Effect.repeat(
        Effect.promise(() => setTimeout(5)),
        { until: () => pids()[0] === process.pid }
      )
      yield* settle
      assert.isTrue(Option.isNone(yield* Fiber.poll(opening)))
      assert.strictEqual((yield* former(`commit ${file}`)).reason, "Owned")
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(opening)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(pids(), [null])
    }).pipe(Effect.provide([NodeContext.layer, silent]))
  )
})

describe("a store that has lost its file to another process while it was idle", () => {
  it.scoped("changes nothing in it, and says who owns it", () =>
    Effect.gen(function* () {
      const { files, store } = yield* usedStore
      rmSync(`${files.file}-owner`)
      const { store: other } = yield* SqliteFile.open(files.file)
      yield* other.commit(twoOf(3))
      // When it would have tidied up.
      yield* TestClock.adjust("1 hour")
      const error = yield* Effect.flip(store.commit(twoOf(4)))
      assert.strictEqual(error.reason, "Owned")
      yield* other.commit(twoOf(4))
      assert.strictEqual(yield* other.lastNumber, 10)
    }).pipe(Effect.provide([NodeContext.layer, silent]))
  )
})

describe("a backup", () => {
  it.scopedLive("has everything, no owner, and goes where nothing is", () =>
    Effect.gen(function* () {
      const { files, store } = yield* usedStore
      const backup = String(files.copies[2])
      const copy = new Database(backup, { readonly: true })
      assert.deepStrictEqual(
        copy.prepare("SELECT number FROM healing_requests ORDER BY number").pluck().all(),
        [1, 2, 3, 4, 5, 6]
      )
      assert.deepStrictEqual(copy.prepare("SELECT * FROM healing_owner").all(), [])
      copy.close()
      for (const [path, says] of [
        [backup, /such a file already/],
        [files.file, /such a file already/],
        [join(files.file, "x"), /folder/],
        [join(files.aside, "no", "x"), /folder|opened/]
      ] as const) {
        const error = yield* Effect.flip(store.backup(path))
        assert.match(error.message, says)
        assert.include(error.message, path)
      }
      // It is what one goes on with.
      yield* SqliteFile.open(backup)
    }).pipe(Effect.provide([NodeContext.layer, silent]))
  )
})

/** A process of another user, that opens and writes files when it is told to. */
const startUser = (user: number) =>
  Effect.gen(function* () {
    const program = yield* Effect.promise(() => bundle(new URL("../support/storeProcess.ts", import.meta.url)))
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [program, "serve", String(user)], { stdio: ["pipe", "pipe", "inherit"] })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    return (line: string) =>
      Effect.promise(async (): Promise<{ holds?: boolean; reason?: string; message?: string }> => {
        child.stdin.write(`${line}\n`)
        return JSON.parse(String((await lines.next()).value))
      })
  })

describe("two processes", () => {
  const USERS = process.getuid?.() === 0 ? [0, 65_533, 65_534] : [process.getuid?.() ?? 0]
  const user = fc.constantFrom(...USERS)
  const mode = fc.constantFrom(0o600, 0o644, 0o664, 0o666, 0o444)
  /** What is there before: whose it is, and who may do what with it. */
  const there = fc.option(fc.record({ user, mode }), { nil: undefined })
  const rights = fc.record({
    database: there,
    owner: there,
    folder: fc.record({ user, mode: fc.constantFrom(0o777, 0o755, 0o700, 0o555) }),
    first: user,
    second: user,
    /** What happens between them. */
    between: fc.constantFrom(
      "nothing",
      "nothing",
      "-owner is removed",
      "-owner is given away",
      "the file is given away"
    )
  })
  type Rights = typeof rights extends fc.Arbitrary<infer A> ? A : never
  const RUNS = runsOf({ few: 30, many: 600 })

  it.live(
    "never own one file, whoever may write what",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* tempFolder
          chmodSync(folder, 0o777)
          const users = new Map<number, Effect.Effect.Success<ReturnType<typeof startUser>>>()
          const others = new Map<number, Effect.Effect.Success<ReturnType<typeof startUser>>>()
          for (const user of USERS) {
            users.set(user, yield* startUser(user))
            others.set(user, yield* startUser(user))
          }
          const give = (path: string, { mode, user }: { readonly mode: number; readonly user: number }) => {
            if (process.getuid?.() === 0) chownSync(path, user, user)
            chmodSync(path, mode)
          }
          const run = Runtime.runPromise(yield* Effect.runtime())
          const seen = { both: 0, fenced: 0, refused: 0, held: 0 }
          let count = 0

          const check = async ({ between, database, first, folder: ofFolder, owner, second }: Rights) => {
            const inside = join(folder, String(count++))
            const file = join(inside, "healing.db")
            mkdirSync(inside)
            for (const [path, rights] of [
              [file, database],
              [`${file}-owner`, owner]
            ] as const) {
              if (rights === undefined) continue
              writeFileSync(path, "")
              give(path, rights)
            }
            give(inside, ofFolder)
            const ask = (who: number, line: string, among = users) =>
              run(among.get(who)?.(line) ?? Effect.die("nobody"))
            const one = await ask(first, `open ${file}`)
            if (existsSync(`${file}-owner`)) {
              if (between === "-owner is removed") rmSync(`${file}-owner`)
              if (between === "-owner is given away") give(`${file}-owner`, { user: second, mode: 0o600 })
              if (between === "the file is given away" && existsSync(file)) give(file, { user: second, mode: 0o600 })
            }
            const other = await ask(second, `open ${file}`, others)
            for (const { holds, message, reason } of [one, other]) {
              if (holds === true) continue
              seen.refused++
              assert.include(["Owned", "ReadOnly", "Unavailable"], reason)
              assert.include(message, file, "it names the file")
            }
            if (one.holds === true) seen.held++
            if (one.holds !== true || other.holds !== true) return
            // It has lost the file by now: it may write no more.
            seen.both++
            assert.strictEqual(between, "-owner is removed")
            assert.isTrue((await ask(second, `commit ${file}`, others)).holds)
            for (let i = 0; i < 2; i++) {
              const late = await ask(first, `commit ${file}`)
              assert.strictEqual(late.reason, "Owned")
              assert.match(String(late.message), /is owned by the process \d+ .*writes nothing any more/)
              seen.fenced++
            }
            assert.isTrue((await ask(second, `commit ${file}`, others)).holds)
          }
          yield* Effect.promise(() => fc.assert(restingProperty(rights, check), parameters(RUNS, "store/SqliteGuards")))
          for (const [what, times] of Object.entries(seen)) assert.isAbove(times, 0, what)
        })
      ),
    patienceFor(RUNS)
  )
})
