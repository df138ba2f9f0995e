/** What only PostgreSQL does. What it does as SQLite does is in the tests of the store. */

import { randomBytes } from "node:crypto"
import * as Reactivity from "@effect/experimental/Reactivity"
import { SqlClient } from "@effect/sql"
import * as Statement from "@effect/sql/Statement"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Either, Exit, Fiber, Layer, Option, Redacted, Ref, Runtime, Scope } from "effect"
import * as FastCheck from "effect/FastCheck"
import { HealingStore } from "effect-healing"
import * as SuggestionLife from "../../src/request/SuggestionLife.js"
import * as Change from "../../src/store/Change.js"
import type { Journal } from "../../src/store/Journal.js"
import { type Cut, type Hold, makeCuttingProxy } from "../postgres/cuttingProxy.js"
import { startPostgres } from "../postgres/Postgres.js"
import { changeClock } from "../support/changeClock.js"
import { hasPostgres, makeSchema, urlOf } from "../support/postgres.js"
import { isFull, parameters, patienceFor, restingProperty, runsOf } from "../support/property.js"
import { aRequest, aSuggestion, ended, insert, move, openStore, reviewed } from "../support/storeSamples.js"

const FILE = "test/store/Postgres.test.ts"

/** The time that is given to a process that had it before. */
const FOR_OTHERS = Duration.seconds(3)

/** Opened without the time that is given to a process that had it before, unless `onWait` is told of it. */
const storeAt = (
  url: string,
  options: Partial<PgClient.PgClientConfig> = {},
  onWait: (duration: Duration.Duration) => void = () => {}
) =>
  Effect.gen(function* () {
    const client = yield* Layer.build(PgClient.layer({ url: Redacted.make(url), maxConnections: 4, ...options }))
    const clock = yield* Effect.clock
    const opened = openStore(Layer.provide(HealingStore.layerSql, Layer.succeedContext(client)))
    return yield* Effect.withClock(
      opened,
      changeClock(clock, {
        sleep: (duration) =>
          Duration.equals(duration, FOR_OTHERS) ? Effect.sync(() => onWait(duration)) : clock.sleep(duration)
      })
    )
  })

/** A statement of somebody else. */
const run = (url: string, statement: string) =>
  Effect.provide(
    Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe(statement)),
    PgClient.layer({ url: Redacted.make(url), maxConnections: 1 })
  )

const proxyTo = (url: string) =>
  Effect.acquireRelease(
    Effect.promise(() => makeCuttingProxy(url)),
    (proxy) => Effect.promise(() => proxy.stop())
  )

/** A message that is held up: `here` begins that, `reached` waits for it, `release` ends it. */
const makeHold = Effect.gen(function* () {
  const runtime = yield* Effect.runtime<never>()
  const [reached, released] = [yield* Effect.makeLatch(), yield* Effect.makeLatch()]
  const here = (): Hold => {
    reached.unsafeOpen()
    return { until: Runtime.runPromise(runtime)(released.await) }
  }
  return { here, reached: reached.await, release: released.open }
})

/** The numbers of all requests that are there. */
const numbersIn = (store: Journal) =>
  Effect.map(store.page("pending", 0, 1000), ({ requests }) => requests.map(({ number }) => number))

describe.skipIf(!hasPostgres)("the store in PostgreSQL", () => {
  it.scopedLive("is opened by many at once, each of which finds the tables of the first", () =>
    Effect.gen(function* () {
      const url = urlOf(yield* makeSchema)
      const stores = yield* Effect.all(
        Array.from({ length: 8 }, () => storeAt(url)),
        { concurrency: "unbounded" }
      )
      const results = yield* Effect.forEach(stores, (store, index) =>
        Effect.either(store.commit([insert(aRequest(index + 1, { job: `${index}` }))]))
      )
      // It belongs to one of them.
      assert.strictEqual(results.filter(Either.isRight).length, 1)
      for (const result of results) if (Either.isLeft(result)) assert.strictEqual(result.left.reason, "Owned")
    })
  )

  it.scopedLive("lets nothing land of a process that has lost it, and tells it so (R24)", () =>
    Effect.gen(function* () {
      const runtime = yield* Effect.runtime<never>()
      const steps = FastCheck.array(
        FastCheck.record({
          do: FastCheck.constantFrom("open", "commit", "commit", "prune", "close"),
          who: FastCheck.nat(3)
        }),
        { minLength: 5, maxLength: 25 }
      )
      interface Owner {
        readonly store: Journal
        readonly scope: Scope.CloseableScope
      }
      const open = (url: string) =>
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          return { scope, store: yield* Scope.extend(storeAt(url, { maxConnections: 1 }), scope) }
        })
      const lives = (plan: ReadonlyArray<{ readonly do: string; readonly who: number }>) =>
        Effect.gen(function* () {
          const url = urlOf(yield* makeSchema)
          const witness = yield* storeAt(url)
          const owners = new Map<number, Owner>()
          let owner: Owner | undefined
          let number = 0
          const expected: Array<number> = []
          for (const { do: what, who } of plan) {
            const one = owners.get(who)
            if (what === "open") {
              if (one !== undefined) yield* Scope.close(one.scope, Exit.void)
              owner = yield* open(url)
              owners.set(who, owner)
            } else if (one !== undefined && what === "close") {
              yield* Scope.close(one.scope, Exit.void)
              owners.delete(who)
            } else if (one !== undefined) {
              number++
              const result = yield* Effect.either(
                what === "prune"
                  ? one.store.prune(0, 10)
                  : one.store.commit([insert(aRequest(number, { job: `${number}` }))])
              )
              const isOwner = one === owner
              assert.strictEqual(Either.isRight(result), isOwner, what)
              if (Either.isLeft(result)) assert.strictEqual(result.left.reason, "Owned")
              assert.strictEqual(Exit.isSuccess(yield* Effect.exit(one.store.check ?? Effect.void)), isOwner)
              if (isOwner && what === "commit") expected.push(number)
            }
            assert.deepStrictEqual(yield* numbersIn(witness), expected)
          }
          for (const { scope } of owners.values()) yield* Scope.close(scope, Exit.void)
        }).pipe(Effect.scoped)
      yield* Effect.promise(() =>
        FastCheck.assert(
          restingProperty(steps, (plan) => Runtime.runPromise(runtime)(lives(plan))),
          parameters(runsOf({ few: 8, many: 100 }), FILE, "lets nothing land")
        )
      )
    })
  )

  it.scopedLive("is taken between two commits, and not in the middle of one (R24)", () =>
    Effect.gen(function* () {
      const url = urlOf(yield* makeSchema)
      const proxy = yield* proxyTo(url)
      const before = yield* storeAt(proxy.url)
      const hold = yield* makeHold
      proxy.cut = (text) => (text === "COMMIT" ? hold.here() : undefined)
      const committing = yield* Effect.fork(Effect.either(before.commit([insert(aRequest(1))])))
      yield* hold.reached
      const opening = yield* Effect.fork(
        Effect.flatMap(storeAt(url), (after) => Effect.zip(Effect.succeed(after), numbersIn(after)))
      )
      // Until the new one waits for the commit, or, if it does not, is there.
      const waits = run(
        url,
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE healing_epoch%'"
      )
      yield* Effect.raceFirst(Effect.repeat(waits, { until: (rows) => rows.length > 0 }), Fiber.await(opening))
      yield* hold.release
      const [after, seen] = yield* Fiber.join(opening)
      assert.deepStrictEqual(seen, Either.isRight(yield* Fiber.join(committing)) ? [1] : [])
      assert.deepStrictEqual(yield* numbersIn(after), seen)
    })
  )

  it.scopedLive("waits for a process that has not closed it, and for no other", () =>
    Effect.gen(function* () {
      const url = urlOf(yield* makeSchema)
      const waits: Array<Duration.Duration> = []
      const opened = storeAt(url, {}, (duration) => waits.push(duration))
      yield* Effect.scoped(opened)
      yield* opened
      assert.deepStrictEqual(waits, [])
      yield* opened
      assert.deepStrictEqual(waits, [FOR_OTHERS])
    })
  )

  it.scopedLive("is not opened if a newer version has written it", () =>
    Effect.gen(function* () {
      const url = urlOf(yield* makeSchema)
      yield* storeAt(url)
      yield* run(url, "INSERT INTO healing_migrations (migration_id, name) VALUES (1000, 'later')")
      const error = yield* Effect.flip(storeAt(url))
      assert.deepInclude(error, { _tag: "HealingStoreError", reason: "TooNew" })
    })
  )

  it.scopedLive("gives numbers in the order in which rows can be seen, however many write at once", () =>
    Effect.gen(function* () {
      const url = urlOf(yield* makeSchema)
      const store = yield* storeAt(url)
      const JOBS = 40
      const seen: Array<number> = []
      const isDone = yield* Ref.make(false)
      // What has been seen is turned into notices and is gone: who comes in below it later would be lost.
      const turn = Effect.gen(function* () {
        const facts = yield* store.notices.facts(3)
        const last = facts.at(-1)
        if (last === undefined) return
        seen.push(...facts.map(({ request }) => request))
        yield* store.commit([{ _tag: "Notice", change: { _tag: "Turned", upTo: last.number } }])
      })
      const reader = yield* Effect.fork(Effect.repeat(turn, { until: () => Ref.get(isDone) }))
      yield* Effect.forEach(
        Array.from({ length: JOBS }, (_, index) => index + 1),
        (number) => store.commit([insert(ended(number, number, { job: `${number}` }))]),
        { concurrency: "unbounded" }
      )
      yield* Ref.set(isDone, true)
      yield* reader.await
      while ((yield* store.notices.facts(1)).length > 0) yield* turn
      assert.sameMembers(
        seen,
        Array.from({ length: JOBS }, (_, index) => index + 1)
      )
    })
  )

  it.scopedLive(
    "writes what it says, and nothing else, wherever its connection is cut",
    () =>
      Effect.gen(function* () {
        const runtime = yield* Effect.runtime<never>()
        const cut = FastCheck.record({
          cut: FastCheck.constantFrom<Cut>("before", "after"),
          // Which of its statements, of which the last one is the commit.
          statement: FastCheck.nat(6)
        })
        const deaf = FastCheck.constant({ cut: "deaf" as const, statement: "commit" as const })
        const steps = FastCheck.array(
          FastCheck.record({
            jobs: FastCheck.integer({ min: 1, max: 3 }),
            cut: FastCheck.option(FastCheck.oneof({ weight: 3, arbitrary: cut }, deaf), { nil: undefined })
          }),
          { minLength: 1, maxLength: 6 }
        )
        const lives = (plan: typeof steps extends FastCheck.Arbitrary<infer Steps> ? Steps : never) =>
          Effect.gen(function* () {
            const url = urlOf(yield* makeSchema)
            const witness = yield* storeAt(url)
            const proxy = yield* proxyTo(url)
            // One connection, so that each commit meets the broken one of the last.
            const store = yield* storeAt(proxy.url, { maxConnections: 1 })
            const expected: Array<number> = []
            let number = 0
            for (const { cut, jobs } of plan) {
              let statements = 0
              proxy.cut = (text) => {
                const isMeant = cut?.statement === "commit" ? text === "COMMIT" : statements++ === cut?.statement
                if (!isMeant) return undefined
                proxy.cut = () => undefined
                return cut?.cut
              }
              const numbers = Array.from({ length: jobs }, () => ++number)
              const result = yield* Effect.either(
                store.commit(numbers.map((number) => insert(aRequest(number, { job: `${number}` }))))
              )
              if (Either.isRight(result)) expected.push(...numbers)
              else assert.strictEqual(result.left.reason, "Unavailable", result.left.message)
              assert.deepStrictEqual(yield* numbersIn(witness), expected)
            }
          }).pipe(Effect.scoped)
        const runs = runsOf({ few: 3, many: 60 })
        yield* Effect.promise(() =>
          FastCheck.assert(
            restingProperty(steps, (plan) => Runtime.runPromise(runtime)(lives(plan))),
            parameters(runs, FILE, "wherever its connection is cut")
          )
        )
      }),
    patienceFor(60)
  )

  it.scopedLive("says that it cannot tell whether it has written, if the server does not come back", () =>
    Effect.gen(function* () {
      const proxy = yield* proxyTo(urlOf(yield* makeSchema))
      const store = yield* storeAt(proxy.url)
      proxy.cut = (text) => {
        if (text !== "COMMIT") return undefined
        void proxy.stop()
        return "after"
      }
      const clock = yield* Effect.clock
      // The minute for which the server is asked passes in a moment.
      const hasty = changeClock(clock, {
        sleep: (duration) => (Duration.equals(duration, Duration.minutes(1)) ? Effect.void : clock.sleep(duration))
      })
      const error = yield* Effect.flip(Effect.withClock(store.commit([insert(aRequest(1))]), hasty))
      assert.strictEqual(error.reason, "InDoubt", error.message)
    })
  )

  it.scopedLive("works with a client that renames what it sends and gets, and reads numbers in another way", () =>
    Effect.gen(function* () {
      const store = yield* storeAt(urlOf(yield* makeSchema), {
        transformQueryNames: (name) => name.toLowerCase(),
        transformResultNames: (name) => name.toUpperCase(),
        types: { getTypeParser: (type: number) => (type === 20 ? BigInt : (text: string) => text) }
      })
      const [one, other] = [aRequest(1, { note: "007" }), ended(2, 2000, { job: "B", starts: [1, 2] })]
      yield* store.commit([insert(one), insert(other)])
      assert.deepStrictEqual((yield* store.page("pending", 0, 10)).requests, [one])
      assert.deepStrictEqual(yield* store.history({ states: ["completed"], limit: 10 }), [other])
    })
  )

  it.scopedLive("takes texts that are longer than an index of PostgreSQL does", () =>
    Effect.gen(function* () {
      const store = yield* storeAt(urlOf(yield* makeSchema))
      // Of no pattern, or it would be made shorter.
      const long = randomBytes(40_000).toString("base64")
      const job = Array.from({ length: 256 }, (_, index) => String.fromCodePoint(0x20000 + index))
        .join("")
        .slice(0, 256)
      const told = { job, kind: "Report", subject: long }
      for (const at of [1, 2])
        yield* store.commit([{ _tag: "Notice", change: { _tag: "Told", told: { ...told, at } } }])
      assert.deepStrictEqual(yield* store.notices.told(told), Option.some(2))
      assert.deepStrictEqual(yield* store.notices.told({ ...told, subject: `${long}.` }), Option.none())
      const request = aRequest(1, {
        job,
        note: long,
        runId: long,
        reason: long,
        signatures: [long, "b"],
        triggers: [long]
      })
      yield* store.commit([insert(request), move("pending", ended(1, 1000, { ...request, state: "completed" }))])
      assert.isTrue(yield* store.explained(job, long))
      assert.isFalse(yield* store.explained(job, ","))
      const targetFile = `/${long.slice(0, 4000)}`
      const [suggestion] = SuggestionLife.propose(
        reviewed(1, job, [{ ...aSuggestion, targetFile, proposedContent: long }]),
        1000,
        1e6
      )
      assert.isDefined(suggestion)
      if (suggestion !== undefined) yield* store.commit([Change.suggestion(null, suggestion)])
      const found = yield* store.suggestions.list({ states: ["pending"], targetFile, limit: 10 })
      assert.deepStrictEqual(found, [suggestion])
    })
  )

  it.scopedLive("says what is refused by the state of a row, and goes on", () =>
    Effect.gen(function* () {
      const store = yield* storeAt(urlOf(yield* makeSchema))
      yield* store.commit([insert(aRequest(1)), insert(aRequest(2, { job: "B" }))])
      const error = yield* Effect.flip(
        store.commit([move("pending", aRequest(2, { job: "B", state: "running" })), insert(aRequest(3))])
      )
      assert.strictEqual(error.reason, "UnexpectedState")
      assert.deepStrictEqual(yield* numbersIn(store), [1, 2])
      yield* store.commit([insert(aRequest(3, { job: "C" }))])
      assert.deepStrictEqual(yield* numbersIn(store), [1, 2, 3])
    })
  )

  // It takes the ten seconds.
  it.scopedLive.skipIf(!isFull)("holds no row for long if its process stands still in the middle of a commit", () =>
    Effect.gen(function* () {
      const url = urlOf(yield* makeSchema)
      const proxy = yield* proxyTo(url)
      const store = yield* storeAt(proxy.url)
      const hold = yield* makeHold
      proxy.cut = (text) => (text === "COMMIT" ? hold.here() : undefined)
      const committing = yield* Effect.fork(Effect.either(store.commit([insert(aRequest(1))])))
      yield* hold.reached
      // It waits for the other one, unless that has lost its row.
      const after = yield* storeAt(url)
      yield* hold.release
      const result = yield* Fiber.join(committing)
      assert.isTrue(Either.isLeft(result))
      assert.deepStrictEqual(yield* numbersIn(after), [])
    })
  )

  // After a crash a server gives the numbers of transactions again that had not come to its disk.
  it.scopedLive.skipIf(!isFull)("does not take for written what a crash has taken, though others go on after it", () =>
    Effect.gen(function* () {
      const server = yield* Effect.acquireRelease(
        Effect.promise(() => startPostgres({ fsync: true })),
        (server) => Effect.promise(() => server.stop())
      )
      const proxy = yield* proxyTo(server.url)
      const store = yield* storeAt(proxy.url, { maxConnections: 1 })
      yield* store.commit([insert(aRequest(1))])
      const isKilled = yield* Effect.makeLatch()
      const answer = yield* makeHold
      proxy.cut = (text) => {
        if (text !== "COMMIT") return undefined
        proxy.cut = (text) => (text.includes("FOR UPDATE") ? answer.here() : undefined)
        process.kill(server.pid(), "SIGKILL")
        isKilled.unsafeOpen()
        return "before"
      }
      const committing = yield* Effect.fork(Effect.either(store.commit([insert(aRequest(2, { job: "B" }))])))
      yield* isKilled.await
      yield* Effect.promise(() => server.restart())
      yield* run(server.url, "CREATE TABLE app (n BIGINT)")
      for (let n = 0; n < 10; n++) yield* run(server.url, `INSERT INTO app VALUES (${n})`)
      yield* answer.release
      assert.isTrue(Either.isLeft(yield* Fiber.join(committing)))
      assert.deepStrictEqual(yield* numbersIn(store), [1])
    })
  )

  it.scopedLive("settles what is in doubt though somebody wants to end it meanwhile", () =>
    Effect.gen(function* () {
      const url = urlOf(yield* makeSchema)
      const proxy = yield* proxyTo(url)
      const store = yield* storeAt(proxy.url)
      const answer = yield* makeHold
      proxy.cut = (text) => {
        if (text !== "COMMIT") return undefined
        proxy.cut = (text) => (text.includes("FOR UPDATE") ? answer.here() : undefined)
        return "after"
      }
      const done: Array<boolean> = []
      const committing = yield* Effect.fork(
        Effect.map(store.commit([insert(aRequest(1))]), () => done.push(true)).pipe(Effect.uninterruptible)
      )
      yield* answer.reached
      const ending = yield* Effect.fork(Fiber.interrupt(committing))
      yield* answer.release
      yield* Fiber.join(ending)
      assert.deepStrictEqual(done, [true])
      assert.deepStrictEqual(yield* numbersIn(store), [1])
    })
  )

  // It takes the three seconds of the client, which has lost what it waited for then.
  it.scopedLive.skipIf(!isFull)("gives nobody a connection that is in the middle of a commit", () =>
    Effect.gen(function* () {
      const url = urlOf(yield* makeSchema)
      const clientAt = (url: string) =>
        Effect.map(Layer.build(PgClient.layer({ url: Redacted.make(url), maxConnections: 1 })), (context) => ({
          context,
          sql: Context.get(context, PgClient.PgClient)
        }))
      const { context, sql } = yield* clientAt(`${url}&query_timeout=3000`)
      const store = yield* openStore(Layer.provide(HealingStore.layerSql, Layer.succeedContext(context)))
      yield* sql`CREATE TABLE app (n BIGINT)`
      const other = yield* (yield* clientAt(url)).sql.reserve
      const locks = (statement: string) => other.execute(statement, [], undefined)
      yield* locks("BEGIN")
      yield* locks("SELECT * FROM healing_epoch FOR UPDATE")
      const error = yield* Effect.flip(store.commit([insert(aRequest(1))]))
      assert.strictEqual(error.reason, "Unavailable")
      yield* sql`INSERT INTO app VALUES (1)`
      yield* locks("ROLLBACK")
      assert.deepStrictEqual(yield* locks("SELECT n::text FROM app"), [{ n: "1" }])
      yield* store.commit([insert(aRequest(1))])
      assert.deepStrictEqual(yield* numbersIn(store), [1])
    })
  )

  describe("what goes wrong", () => {
    const secret = "Secret-of-a-job"

    it.scopedLive("names a server that cannot be reached", () =>
      Effect.gen(function* () {
        const proxy = yield* proxyTo(urlOf(yield* makeSchema))
        const store = yield* storeAt(proxy.url)
        yield* Effect.promise(() => proxy.stop())
        const error = yield* Effect.flip(store.commit([insert(aRequest(1, { note: secret }))]))
        assert.strictEqual(error.reason, "Unavailable")
        assert.include(error.message, "cannot be reached")
        assert.notInclude(JSON.stringify(error), secret)
      })
    )

    it.scopedLive("names a role that may not write, and a database that may only be read", () =>
      Effect.gen(function* () {
        const schema = yield* makeSchema
        const url = urlOf(schema)
        yield* storeAt(url)
        yield* Effect.acquireRelease(
          run(url, `CREATE ROLE ${schema}_reader; GRANT USAGE ON SCHEMA ${schema} TO ${schema}_reader`),
          () => Effect.orDie(run(url, `DROP OWNED BY ${schema}_reader; DROP ROLE ${schema}_reader`))
        )
        const notAllowed = yield* Effect.flip(storeAt(`${url}%20-c%20role%3D${schema}_reader`))
        assert.deepInclude(notAllowed, { _tag: "HealingStoreError", reason: "ReadOnly" })
        const readOnly = yield* Effect.flip(
          storeAt(`${url}%20-c%20default_transaction_read_only%3Don`).pipe(
            Effect.flatMap((store) => store.commit([insert(aRequest(1, { note: secret }))]))
          )
        )
        assert.deepInclude(readOnly, { _tag: "HealingStoreError", reason: "ReadOnly" })
      })
    )

    it.scopedLive("tells nothing of what stands in a row", () =>
      Effect.gen(function* () {
        const url = urlOf(yield* makeSchema)
        const store = yield* storeAt(url)
        yield* run(
          url,
          "ALTER TABLE healing_requests ALTER COLUMN note TYPE BIGINT USING 0; ALTER TABLE healing_requests ADD CHECK (reason IS NULL)"
        )
        for (const fields of [{ note: secret }, { reason: secret }]) {
          const error = yield* Effect.flip(store.commit([insert(aRequest(1, fields))]))
          const { cause, message } = error
          assert.notInclude(`${message} ${JSON.stringify(error)} ${String(cause)} ${JSON.stringify(cause)}`, secret)
        }
      })
    )

    it.scoped("refuses a client of another database", () =>
      Effect.gen(function* () {
        const compiler = Statement.makeCompiler({
          dialect: "mysql",
          placeholder: () => "?",
          onIdentifier: Statement.defaultEscape("`"),
          onRecordUpdate: () => ["", []],
          onCustom: () => ["", []]
        })
        const client = yield* SqlClient.make({ acquirer: Effect.never, compiler, spanAttributes: [] })
        const error = yield* Effect.flip(
          openStore(Layer.provide(HealingStore.layerSql, Layer.succeed(SqlClient.SqlClient, client)))
        )
        assert.strictEqual(error.reason, "Unsupported")
        assert.include(error.message, "@effect/sql-pg")
      }).pipe(Effect.provide(Reactivity.layer))
    )
  })

  it.scopedLive.skipIf(!isFull)("goes on with what was committed when its server was killed", () =>
    Effect.gen(function* () {
      const server = yield* Effect.acquireRelease(
        Effect.promise(() => startPostgres()),
        (server) => Effect.promise(() => server.stop())
      )
      const store = yield* storeAt(server.url)
      const expected: Array<number> = []
      for (let round = 0; round < 3; round++) {
        const numbers = Array.from({ length: 200 }, (_, index) => round * 200 + index + 1)
        const writing = yield* Effect.fork(
          Effect.forEach(numbers, (number) =>
            Effect.either(store.commit([insert(aRequest(number, { job: `${number}` }))])).pipe(
              Effect.tap((result) => {
                if (Either.isRight(result)) expected.push(number)
                // The first of each round is there before the server is killed.
                if (number % 200 === 20) process.kill(server.pid(), "SIGKILL")
              })
            )
          )
        )
        yield* Effect.zipRight(
          Effect.sleep(50),
          Effect.promise(() => server.restart())
        )
        yield* writing.await
        assert.deepStrictEqual(yield* numbersIn(store), expected)
      }
    })
  )
})
