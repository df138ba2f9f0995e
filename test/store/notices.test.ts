/** Notices in each kind of store. */
import { SqlClient } from "@effect/sql"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, type Context, Effect, Layer, Logger } from "effect"
import * as FastCheck from "effect/FastCheck"
import { type HealingStore, HealingStore as Store } from "effect-healing"
import * as SuggestionLife from "../../src/request/SuggestionLife.js"
import { notice, suggestion } from "../../src/store/Change.js"
import * as MemoryStore from "../../src/store/MemoryStore.js"
import type { Delivery, NoticeChange } from "../../src/store/NoticeJournal.js"
import { parameters, patienceFor, restingProperty, runsOf } from "../support/property.js"
import {
  aRequest,
  aSuggestion,
  ended,
  insert,
  move,
  openStore,
  reviewed,
  type StoreProblem,
  stores
} from "../support/storeSamples.js"

type Opened = Context.Tag.Service<HealingStore>

const RUNS = runsOf({ few: 12, many: 400 })

const jobs = ["", "A", "B:1", "'"]

const kinds = ["JobFailing", "ReviewCompleted"]

const channels = ["slack", "mail"]

const states = ["pending", "sent", "failed"] as const

const delivery = (fields: Partial<Delivery> = {}): Delivery => ({
  id: "notice-1",
  channel: "slack",
  job: "A",
  kind: "JobFailing",
  isUrgent: false,
  isCounted: true,
  notice: '{"text":"\'"}',
  createdAt: 1000,
  state: "pending",
  attempts: 0,
  nextTry: null,
  endedAt: null,
  reason: null,
  ...fields
})

/** All that a store tells of notices. */
const contents = ({ notices }: Opened) =>
  Effect.all({
    facts: notices.facts(3),
    pending: Effect.forEach(channels, (channel) => notices.pending(channel, 0, false, 3)),
    after: notices.pending("slack", 2, false, 100),
    urgent: notices.pending("slack", 0, true, 100),
    pendingOf: Effect.forEach(kinds, (kind) => notices.pendingOf("slack", kind)),
    counted: Effect.forEach([0, 30, 60], (since) => notices.counted("slack", since, 80, 4)),
    told: Effect.forEach(jobs, (job) => notices.told({ job, kind: "JobFailing", subject: "one" })),
    olderThan: notices.olderThan("slack", 50),
    newest: Effect.forEach([1, 3], (many) => notices.newest("slack", many)),
    toldJobs: notices.toldJobs("JobFailing"),
    toldCount: Effect.forEach(jobs, (job) => notices.toldCount(job, "JobFailing")),
    failing: notices.failing,
    muted: notices.muted,
    runCounts: notices.runCounts,
    list: notices.list({ states, limit: 5 }),
    listed: notices.list({ states: ["sent", "failed"], channel: "mail", job: "A", limit: 100, before: 9 }),
    pendingCounts: Effect.map(notices.pendingCounts, (counts) => Array.from(counts).sort())
  })

const text = FastCheck.constantFrom("one", "two", "'\n")

const instant = FastCheck.nat(100)

const change: FastCheck.Arbitrary<NoticeChange> = FastCheck.oneof(
  FastCheck.record({
    _tag: FastCheck.constant("Add" as const),
    delivery: FastCheck.record({
      channel: FastCheck.constantFrom(...channels),
      job: FastCheck.constantFrom(...jobs),
      kind: FastCheck.constantFrom(...kinds),
      isUrgent: FastCheck.boolean(),
      isCounted: FastCheck.boolean(),
      createdAt: instant
    }).map(delivery)
  }),
  FastCheck.record({
    _tag: FastCheck.constant("Tried" as const),
    number: FastCheck.integer({ min: 1, max: 12 }),
    to: FastCheck.oneof(
      FastCheck.record({
        attempts: FastCheck.integer({ min: 1, max: 3 }),
        endedAt: FastCheck.constant(null),
        nextTry: instant,
        reason: text,
        state: FastCheck.constant("pending" as const)
      }),
      FastCheck.record({
        attempts: FastCheck.nat(3),
        endedAt: instant,
        nextTry: FastCheck.constant(null),
        reason: FastCheck.constantFrom(null, "no"),
        state: FastCheck.constantFrom("sent" as const, "failed" as const)
      })
    )
  }),
  FastCheck.record({
    _tag: FastCheck.constant("Rewrite" as const),
    number: FastCheck.integer({ min: 1, max: 12 }),
    notice: text
  }),
  FastCheck.record({
    _tag: FastCheck.constant("Expire" as const),
    channel: FastCheck.constantFrom(...channels),
    createdBefore: instant,
    at: instant,
    reason: text
  }),
  FastCheck.record({ _tag: FastCheck.constant("Turned" as const), upTo: FastCheck.nat(10) }),
  FastCheck.record({
    _tag: FastCheck.constant("Told" as const),
    told: FastCheck.record({
      job: FastCheck.constantFrom(...jobs),
      kind: FastCheck.constantFrom(...kinds),
      subject: text,
      at: instant
    })
  }),
  FastCheck.record({
    _tag: FastCheck.constant("Forget" as const),
    job: FastCheck.constantFrom(...jobs),
    kinds: FastCheck.constantFrom(undefined, ["JobFailing"], kinds)
  }),
  FastCheck.record({
    job: FastCheck.constantFrom("A", "B:1"),
    since: instant,
    good: FastCheck.nat(3),
    isWell: FastCheck.boolean()
  }).map(
    ({ good, isWell, job, since }): NoticeChange => ({
      _tag: "Failing",
      job,
      failing: isWell ? null : { job, since, good }
    })
  ),
  FastCheck.record({
    _tag: FastCheck.constant("Mute" as const),
    muted: FastCheck.record({
      job: FastCheck.constantFrom(null, "A"),
      signature: FastCheck.constantFrom("one", null),
      at: instant,
      until: instant,
      by: FastCheck.constant("anna")
    })
  }),
  FastCheck.record({
    _tag: FastCheck.constant("Count" as const),
    counted: FastCheck.record({
      job: FastCheck.constantFrom("A", "B:1"),
      runs: FastCheck.integer({ min: -3, max: 5 }),
      failures: FastCheck.nat(2)
    })
  }),
  FastCheck.record({
    _tag: FastCheck.constant("Unmute" as const),
    job: FastCheck.constantFrom(null, "A"),
    signature: FastCheck.constantFrom("one", null)
  })
)

type Happening =
  | { readonly _tag: "Notice"; readonly changes: ReadonlyArray<NoticeChange> }
  | { readonly _tag: "Prune"; readonly before: number; readonly limit: number }
  | { readonly _tag: "End"; readonly state: "completed" | "failed" | "skipped" | "cancelled" | "coalesced" }
  | { readonly _tag: "Propose" }

const happening: FastCheck.Arbitrary<Happening> = FastCheck.oneof(
  {
    weight: 8,
    arbitrary: FastCheck.array(change, { minLength: 1, maxLength: 3 }).map((changes) => ({
      _tag: "Notice" as const,
      changes
    }))
  },
  {
    weight: 1,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("Prune" as const),
      before: instant,
      limit: FastCheck.integer({ min: 1, max: 5 })
    })
  },
  {
    weight: 1,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("End" as const),
      state: FastCheck.constantFrom(
        "completed" as const,
        "failed" as const,
        "skipped" as const,
        "cancelled" as const,
        "coalesced" as const
      )
    })
  },
  { weight: 1, arbitrary: FastCheck.constant({ _tag: "Propose" as const }) }
)

const doIn = (store: Opened, number: number, happening: Happening): Effect.Effect<unknown> => {
  switch (happening._tag) {
    case "Notice":
      return Effect.either(store.commit(happening.changes.map(notice)))
    case "Prune":
      return Effect.either(store.notices.prune(happening.before, happening.limit))
    case "End":
      return Effect.either(
        store.commit([
          insert(aRequest(number, { state: "running" })),
          move("running", aRequest(number, { state: happening.state, endedAt: number }))
        ])
      )
    case "Propose":
      return Effect.either(
        store.commit([
          insert(ended(number, number)),
          ...SuggestionLife.propose(
            reviewed(number, "A", [aSuggestion, { ...aSuggestion, targetFile: "/f", proposedContent: "new" }]),
            number,
            1e6
          ).map((one) => suggestion(null, one))
        ])
      )
  }
}

for (const [name, layer] of Object.entries(stores) as ReadonlyArray<
  readonly [string, Layer.Layer<Store, StoreProblem>]
>) {
  describe(`notices in ${name}`, () => {
    it.live(
      "are as in the memory store, whatever happens to them",
      () =>
        Effect.promise(() =>
          FastCheck.assert(
            restingProperty(FastCheck.array(happening, { maxLength: 40 }), (all) =>
              Effect.gen(function* () {
                const store = yield* openStore(layer)
                const model = MemoryStore.make()
                for (const [index, one] of all.entries()) {
                  const expected = yield* doIn(model, index + 1, one)
                  const found = yield* doIn(store, index + 1, one)
                  assert.deepStrictEqual(outcomeOf(found), outcomeOf(expected), JSON.stringify(one))
                  assert.deepStrictEqual(yield* contents(store), yield* contents(model))
                }
              }).pipe(Effect.scoped, Effect.runPromise)
            ),
            parameters(name.includes("file") ? Math.ceil(RUNS / 5) : RUNS, "test/store/notices.test.ts")
          )
        ),
      patienceFor(RUNS)
    )
  })
}

/** Errors count by their reasons, and by what they name. */
const outcomeOf = (outcome: unknown): string => JSON.stringify(outcome)

describe("the outbox", () => {
  it.scoped("has each end and each step once, in the commit that makes it", () =>
    Effect.gen(function* () {
      const store = yield* openStore(Layer.provide(Store.layerSql, SqliteClient.layer({ filename: ":memory:" })))
      yield* store.commit([insert(aRequest(1, { state: "running" }))])
      yield* store.commit([move("running", ended(1, 5))])
      const [one] = SuggestionLife.propose(reviewed(1, "A", [aSuggestion]), 5, 1e6)
      if (one === undefined) return
      yield* store.commit([suggestion(null, one)])
      const rejected = SuggestionLife.reject(one, { at: 7, by: { who: "anna", door: "code" } })
      yield* store.commit([suggestion("pending", rejected)])
      // What fails leaves nothing.
      yield* Effect.flip(store.commit([suggestion("pending", rejected), insert(ended(2, 9))]))
      const facts = yield* store.notices.facts(10)
      assert.deepStrictEqual(
        facts.map(({ at, door, from, position, request, to }) => [request, position, from, to, at, door]),
        [
          [1, null, "running", "completed", 5, null],
          [1, 1, null, "pending", 5, "review"],
          [1, 1, "pending", "rejected", 7, "code"]
        ]
      )
    })
  )

  it.scoped("leaves a notice that cannot be read to a person, and goes on with the others", () =>
    Effect.gen(function* () {
      const client = yield* Layer.build(SqliteClient.layer({ filename: ":memory:" }))
      const store = yield* openStore(Layer.provide(Store.layerSql, Layer.succeedContext(client)))
      const logged: Array<string> = []
      yield* store.commit(
        [delivery(), delivery({ id: "notice-2" })].map((one) => notice({ _tag: "Add", delivery: one }))
      )
      yield* Effect.flatMap(
        SqlClient.SqlClient,
        (sql) => sql`UPDATE healing_notices SET attempts = 'x' WHERE number = 1`
      ).pipe(Effect.provide(client))
      const LoggerLive = Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ message }) => void logged.push(String(message)))
      )
      const found = yield* Effect.provide(store.notices.pending("slack", 0, false, 10), LoggerLive)
      assert.deepStrictEqual(
        found.map(({ id }) => id),
        ["notice-2"]
      )
      assert.match(logged.join(), /The notice 1 in .* was set aside: its row cannot be read: attempts/)
    })
  )

  it.scoped("passes over what cannot be read, however much of it is in the way, and cuts no page short", () =>
    Effect.gen(function* () {
      const client = yield* Layer.build(SqliteClient.layer({ filename: ":memory:" }))
      const store = yield* openStore(Layer.provide(Store.layerSql, Layer.succeedContext(client)))
      const ids = Arr.makeBy(6, (index) => `notice-${index}`)
      yield* store.commit(ids.map((id) => notice({ _tag: "Add", delivery: delivery({ id }) })))
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`UPDATE healing_notices SET attempts = 'x' WHERE number IN (1, 3, 5)`
        const facts = Arr.makeBy(8, (index) => ({
          at: 1,
          request: 1,
          position: index < 7 ? "x" : null,
          to: "completed"
        }))
        yield* sql`INSERT INTO healing_outbox ${sql.insert(facts)}`
      }).pipe(Effect.provide(client))
      const quiet = Logger.remove(Logger.defaultLogger)
      const pages = yield* Effect.provide(
        Effect.all([
          store.notices.facts(3),
          store.notices.pending("slack", 0, false, 2),
          store.notices.list({ limit: 3, states: ["pending"] })
        ]),
        quiet
      )
      assert.deepStrictEqual(
        pages[0].map(({ number }) => number),
        [8]
      )
      assert.deepStrictEqual(
        pages.slice(1).map((page) => page.map((one) => ("id" in one ? one.id : ""))),
        [
          ["notice-1", "notice-3"],
          ["notice-5", "notice-3", "notice-1"]
        ]
      )
    })
  )
})
