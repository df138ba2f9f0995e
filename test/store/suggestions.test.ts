/** Suggestions in each kind of store. */
import { SqlClient, Statement } from "@effect/sql"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { assert, describe, it } from "@effect/vitest"
import { type Context, Effect, Layer, Logger, TestClock } from "effect"
import * as FastCheck from "effect/FastCheck"
import {
  type Approval,
  type HealingStore,
  type HealingSuggestion,
  HealingStore as Store,
  SuggestionState
} from "effect-healing"
import { type Application, suggestionId, suggestionKey } from "../../src/request/HealingSuggestion.js"
import * as SuggestionLife from "../../src/request/SuggestionLife.js"
import {
  application,
  automatic,
  type Change,
  lock,
  stop,
  suggestion,
  terms,
  unlock,
  watch
} from "../../src/store/Change.js"
import * as MemoryStore from "../../src/store/MemoryStore.js"
import { parameters, patienceFor, restingProperty, runsOf } from "../support/property.js"
import { aSuggestion, ended, insert, openStore, reviewed, type StoreProblem, stores } from "../support/storeSamples.js"

type Opened = Context.Tag.Service<HealingStore>

const DAY = 86_400_000

const RUNS = runsOf({ few: 12, many: 300 })

const anna = { who: "anna", door: "code" }

const proposal = (targetFile: string | null, proposedContent: string | null = "new") => ({
  ...aSuggestion,
  targetFile,
  proposedContent
})

/** All that a store tells of suggestions. */
const contents = ({ notices, suggestions }: Opened, now: number) =>
  Effect.all({
    facts: notices.facts(10_000),
    all: suggestions.list({ states: SuggestionState.literals, limit: 1000 }),
    pending: suggestions.list({ job: "A", states: ["pending"], limit: 3 }),
    steps: suggestions.steps(undefined, 0, 10_000),
    page: suggestions.steps(undefined, 2, 3),
    due: suggestions.due(now, 5),
    applications: Effect.forEach([1, 2, 3, 4, 5], (request) => suggestions.application({ request, position: 1 })),
    unfinished: suggestions.unfinished,
    stopped: suggestions.stopped,
    automatic: Effect.forEach([1, 2, 3, 4, 5], (request) => suggestions.automatic({ request, position: 2 })),
    automaticSince: Effect.map(suggestions.automaticSince(now % 3000), (counts) => Array.from(counts)),
    locks: suggestions.locks(undefined, 3),
    lockedJobs: Effect.map(suggestions.lockedJobs, (jobs) => jobs.toSorted()),
    locksOf: suggestions.locks("A", 9),
    nextDue: suggestions.nextDue
  })

const proposed = (number: number, job: string, files: ReadonlyArray<string | null>, content: string | null = "new") =>
  SuggestionLife.propose(
    reviewed(
      number,
      job,
      files.map((file) => proposal(file, content))
    ),
    1000 * number,
    14 * DAY
  )

/** What is known of the file of one of them. */
const anApplication = ({ position, request }: HealingSuggestion, intent: Application["intent"]): Application => ({
  request,
  position,
  path: "/f",
  original: position === 1 ? null : "'\n",
  mode: 0o600,
  uid: 1,
  gid: 2,
  intent,
  temporary: intent && "t"
})

const anApproval = (at: number): Approval => ({
  seal: "seal:7",
  path: "/f",
  before: `sha256:${"0".repeat(64)}`,
  after: null,
  bigDeletion: true,
  restart: false,
  at,
  by: anna
})

/** Each step that a suggestion may take, whatever it is. */
const KINDS: Readonly<Record<string, (one: HealingSuggestion, at: number) => HealingSuggestion>> = {
  reject: (one, at) => SuggestionLife.reject(one, { at, by: anna, reason: "not now" }),
  approve: (one, at) => SuggestionLife.approve(one, anApproval(at), undefined, DAY),
  begin: (one, at) => SuggestionLife.begin(one, { at, by: anna }),
  giveBack: (one, at) => SuggestionLife.giveBack(one, { at, by: anna, reason: "busy" }),
  apply: (one, at) => SuggestionLife.apply(one, { at, by: anna }, 7 * DAY),
  judge: (one, at) => SuggestionLife.judge(one, "inconclusive", at, "nothing was seen"),
  fail: (one, at) => SuggestionLife.fail(one, { at, by: anna, reason: "edited" }),
  rollBack: (one, at) => SuggestionLife.rollBack(one, { at, by: anna }),
  reopen: (one, at) => SuggestionLife.reopen(one, { at, by: anna }, 14 * DAY),
  found: (one, at) => SuggestionLife.foundApplied(one, at, 7 * DAY)
}

const proposing = (suggestions: ReadonlyArray<HealingSuggestion>): ReadonlyArray<Change> =>
  suggestions.map((one) => suggestion(null, one))

// -----------------------------------------------------------------------------
// What may happen to them
// -----------------------------------------------------------------------------

type Happening =
  | {
      readonly _tag: "Review"
      readonly job: string
      readonly files: ReadonlyArray<string | null>
      readonly hasContent: boolean
    }
  | {
      readonly _tag: "Due"
      readonly which: number
      readonly isLate: boolean
      readonly kind: "warn" | "expire"
    }
  | { readonly _tag: "Step"; readonly which: number; readonly kind: string; readonly isWrong: boolean }
  | { readonly _tag: "Application"; readonly which: number; readonly intent: Application["intent"] }
  | { readonly _tag: "Stop"; readonly isOn: boolean }
  | { readonly _tag: "Automatic"; readonly which: number; readonly isLead: boolean }
  | { readonly _tag: "Lock"; readonly which: number }
  | { readonly _tag: "Unlock"; readonly which: number }
  | { readonly _tag: "Watch"; readonly which: number; readonly good: ReadonlyArray<string> }
  | { readonly _tag: "Together"; readonly which: number; readonly other: number }
  | { readonly _tag: "Terms"; readonly by: number }
  | { readonly _tag: "Prune"; readonly before: number }
  | { readonly _tag: "Page"; readonly after: number; readonly limit: number }

const happening: FastCheck.Arbitrary<Happening> = FastCheck.oneof(
  FastCheck.record({
    _tag: FastCheck.constant("Review" as const),
    job: FastCheck.constantFrom("A", "B:1"),
    files: FastCheck.array(FastCheck.constantFrom(null, "/f", "/g", "/'"), { maxLength: 4 }),
    hasContent: FastCheck.boolean()
  }),
  FastCheck.record({
    _tag: FastCheck.constant("Due" as const),
    which: FastCheck.nat(9),
    isLate: FastCheck.boolean(),
    kind: FastCheck.constantFrom("warn" as const, "expire" as const)
  }),
  FastCheck.record({
    _tag: FastCheck.constant("Step" as const),
    which: FastCheck.nat(9),
    kind: FastCheck.constantFrom(...Object.keys(KINDS)),
    isWrong: FastCheck.boolean()
  }),
  FastCheck.record({
    _tag: FastCheck.constant("Application" as const),
    which: FastCheck.nat(9),
    intent: FastCheck.constantFrom(null, "apply" as const, "rollback" as const)
  }),
  FastCheck.record({ _tag: FastCheck.constant("Stop" as const), isOn: FastCheck.boolean() }),
  FastCheck.record({
    _tag: FastCheck.constant("Automatic" as const),
    which: FastCheck.nat(9),
    isLead: FastCheck.boolean()
  }),
  FastCheck.record({ _tag: FastCheck.constant("Lock" as const), which: FastCheck.nat(9) }),
  FastCheck.record({ _tag: FastCheck.constant("Unlock" as const), which: FastCheck.nat(9) }),
  FastCheck.record({
    _tag: FastCheck.constant("Watch" as const),
    which: FastCheck.nat(9),
    good: FastCheck.array(FastCheck.constantFrom("1", "'\n"), { maxLength: 3 })
  }),
  FastCheck.record({
    _tag: FastCheck.constant("Together" as const),
    which: FastCheck.nat(30),
    other: FastCheck.nat(30)
  }),
  FastCheck.record({ _tag: FastCheck.constant("Terms" as const), by: FastCheck.integer({ min: -DAY, max: DAY }) }),
  FastCheck.record({
    _tag: FastCheck.constant("Prune" as const),
    before: FastCheck.oneof(FastCheck.nat(40_000), FastCheck.integer({ min: DAY, max: DAY + 60_000 }))
  }),
  FastCheck.record({
    _tag: FastCheck.constant("Page" as const),
    after: FastCheck.nat(30),
    limit: FastCheck.integer({ min: 1, max: 4 })
  })
)

/** The same, done to a store of which it is known what it has. */
const doIn = (store: Opened, all: ReadonlyArray<HealingSuggestion>, number: number, happening: Happening) => {
  const at = 1000 * number
  // Whatever it is by now, it is taken for one that is pending, and at times for one that is due later.
  const due = (one: HealingSuggestion, kind: "warn" | "expire", late: number) =>
    suggestion(
      "pending",
      kind === "warn"
        ? SuggestionLife.warn({ ...one, state: "pending" }, at)
        : SuggestionLife.expire({ ...one, state: "pending" }, at),
      (SuggestionLife.dueAt(one) ?? 0) + late
    )
  const step = (one: HealingSuggestion, kind: string, isWrong = false) =>
    suggestion(isWrong ? "pending" : one.state, KINDS[kind]?.(one, at) ?? one)
  const commit = (changes: ReadonlyArray<Change>) =>
    Effect.match(store.commit(changes), { onSuccess: () => "done", onFailure: ({ message }) => message })
  switch (happening._tag) {
    case "Review":
      return commit(proposing(proposed(number, happening.job, happening.files, happening.hasContent ? "new" : null)))
    case "Due": {
      const one = all[happening.which]
      return one === undefined ? Effect.succeed("none") : commit([due(one, happening.kind, happening.isLate ? 1 : 0)])
    }
    case "Step": {
      const one = all[happening.which]
      return one === undefined ? Effect.succeed("none") : commit([step(one, happening.kind, happening.isWrong)])
    }
    case "Application": {
      const one = all[happening.which]
      return one === undefined
        ? Effect.succeed("none")
        : commit([step(one, "begin"), application(anApplication(one, happening.intent))])
    }
    case "Watch": {
      const one = all[happening.which]
      return one === undefined
        ? Effect.succeed("none")
        : commit([
            watch({
              ...one,
              watch: { since: at, good: happening.good, logs: [{ log: "stderr", size: at, end: "sha256:0" }] }
            })
          ])
    }
    case "Automatic": {
      const one = all[happening.which]
      if (one === undefined) return Effect.succeed("none")
      const { job, position, request } = one
      const lead = happening.isLead ? position : 1
      return commit([automatic({ request, position, lead, job, rule: "prompts'", at, lockedAt: null })])
    }
    case "Lock": {
      const one = all[happening.which]
      return one === undefined ? Effect.succeed("none") : commit([lock(one, at)])
    }
    case "Unlock": {
      const one = all[happening.which]
      if (one === undefined) return Effect.succeed("none")
      return commit([unlock(one.job, [{ ...SuggestionLife.stepOf(one.state, one), by: anna, reason: "it is fine" }])])
    }
    case "Stop":
      return commit([stop(happening.isOn ? { at, by: anna, reason: "it is night" } : null)])
    case "Together":
      return commit([all[happening.which], all[happening.other]].flatMap((one) => (one ? [step(one, "reject")] : [])))
    case "Terms":
      return commit([terms(happening.by)])
    case "Prune":
      return store.suggestions.prune(happening.before, 3)
    case "Page":
      return store.suggestions.list({
        states: ["pending", "superseded"],
        limit: happening.limit,
        after: all[happening.after]
      })
  }
}

/** Whatever happens, the store tells the same as one in memory. */
const tellTheSame = (layer: Layer.Layer<HealingStore, StoreProblem>, happenings: ReadonlyArray<Happening>) =>
  Effect.gen(function* () {
    const store = yield* openStore(layer)
    const model = MemoryStore.make()
    let number = 0
    for (const happening of happenings) {
      number++
      const { all } = yield* contents(model, 0)
      const [found, expected] = yield* Effect.all([
        doIn(store, all, number, happening),
        doIn(model, all, number, happening)
      ])
      assert.deepStrictEqual(found, expected)
      const now = 14 * DAY + 500 * number
      assert.deepStrictEqual(yield* contents(store, now), yield* contents(model, now))
    }
  })

describe.each(Object.entries(stores))("%s", (_, layer) => {
  it.effect(
    "tells of suggestions what a store in memory tells, whatever happens to them",
    () =>
      Effect.promise(() =>
        FastCheck.assert(
          restingProperty(FastCheck.array(happening, { maxLength: 40 }), (happenings) =>
            Effect.runPromise(Effect.scoped(tellTheSame(layer, happenings)))
          ),
          parameters(RUNS, "store/suggestions")
        )
      ),
    patienceFor(RUNS)
  )

  it.scoped("keeps every field, and finds one by its key", () =>
    Effect.gen(function* () {
      const store = yield* openStore(layer)
      const [one, other] = proposed(7, "A:'\n?", ["/f", null])
      assert(one !== undefined && other !== undefined)
      const old = {
        ...other,
        isOld: true,
        warnedAt: 3,
        supersededBy: one.id,
        reason: "because",
        by: anna,
        approval: anApproval(4),
        watch: { since: 5, good: ["'"], logs: null }
      }
      yield* store.commit([insert(ended(7, 1)), ...proposing([one, old])])
      assert.deepStrictEqual(yield* store.suggestions.find(one).pipe(Effect.flatten), one)
      assert.deepStrictEqual(yield* store.suggestions.find(old).pipe(Effect.flatten), old)
      assert.strictEqual((yield* store.suggestions.find({ request: 7, position: 3 }))._tag, "None")
      assert.deepStrictEqual(
        yield* store.suggestions.list({ supersededBy: [one.id], states: SuggestionState.literals, limit: 9 }),
        [old]
      )
      assert.deepStrictEqual(suggestionKey(one.id), { request: 7, position: 1 })
    })
  )

  it.scoped("keeps what rules have applied for as long as it counts, or locks its job, or can be decided on", () =>
    Effect.gen(function* () {
      const store = yield* openStore(layer)
      yield* store.commit(proposing(proposed(1, "A", ["/f"])))
      const row = (request: number, at: number, lockedAt: number | null = null, position = 1) =>
        automatic({ request, position, lead: 1, job: "A", rule: "scripts", at, lockedAt })
      // Of a suggestion that is there; of one that is not; the same with a lock; and within a day.
      yield* store.commit([row(1, 5), row(2, 5), row(3, 5, 6), row(4, DAY), row(4, DAY, null, 2)])
      // One of a set counts for all of it.
      assert.deepStrictEqual(Array.from(yield* store.suggestions.automaticSince(5)), [["A", 1]])
      yield* store.suggestions.prune(DAY + 10, 9)
      const kept = yield* Effect.forEach([1, 2, 3, 4], (request) =>
        store.suggestions.automatic({ request, position: 1 })
      )
      assert.deepStrictEqual(
        kept.map(({ _tag }) => _tag),
        ["Some", "None", "Some", "Some"]
      )
    })
  )

  it.scoped("supersedes what is pending for the same file of the same job, and nothing else", () =>
    Effect.gen(function* () {
      const store = yield* openStore(layer)
      const stateOf = (request: number, position: number) =>
        Effect.map(Effect.flatten(store.suggestions.find({ request, position })), ({ state, supersededBy }) =>
          supersededBy === null ? state : `${state} by ${supersededBy}`
        )
      yield* store.commit(proposing(proposed(1, "A", ["/f", "/f", "/g", null])))
      yield* store.commit(proposing(proposed(2, "B", ["/f"])))
      // Without a content it changes nothing.
      yield* store.commit(proposing(proposed(3, "A", ["/f"], null)))
      const [rejected] = proposed(1, "A", ["/f"])
      assert(rejected !== undefined)
      yield* store.commit([suggestion("pending", SuggestionLife.reject(rejected, { at: 5, by: anna }))])
      yield* store.commit(proposing(proposed(4, "A", [null, "/f"])))
      const newer = `superseded by ${suggestionId("A", { request: 4, position: 2 })}`
      assert.deepStrictEqual(yield* Effect.all([1, 2, 3, 4].map((position) => stateOf(1, position))), [
        "rejected",
        newer,
        "pending",
        "pending"
      ])
      assert.deepStrictEqual(yield* Effect.all([stateOf(2, 1), stateOf(3, 1), stateOf(4, 2)]), [
        "pending",
        newer,
        "pending"
      ])
    })
  )
})

// -----------------------------------------------------------------------------
// Those that were there before
// -----------------------------------------------------------------------------

it.scoped("suggestions of reviews that are stored already get their rows, of which nobody is told", () =>
  Effect.gen(function* () {
    const client = yield* Layer.build(SqliteClient.layer({ filename: ":memory:" }))
    const open = openStore(Layer.provide(Store.layerSql, Layer.succeedContext(client)))
    yield* Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const before = yield* open
      yield* before.commit([
        insert(reviewed(1, "A", [proposal("/f"), proposal(null), proposal("/g")])),
        insert(reviewed(2, "B:1", [proposal("/f")])),
        insert(reviewed(3, "A", [proposal("/g", null), proposal("/f")])),
        insert(reviewed(4, "A", [proposal("/f")])),
        insert(ended(5, 5)),
        insert(ended(6, 6, { state: "failed", report: null })),
        insert(reviewed(7, "A", [proposal("/h")]))
      ])
      yield* sql`UPDATE healing_requests SET report = '{"broken' WHERE number = 7`
      for (const [number, odd] of [
        [8, '{"summary":"an object","suggestions":{"a":{},"b":{}}}'],
        [9, '{"summary":"no objects","suggestions":[null,7,"x"]}'],
        [10, '{"summary":"never ended","suggestions":[{}]}'],
        [11, '{"summary":"of another version","suggestions":[{"title":"x"}]}']
      ] as const) {
        yield* before.commit([insert(ended(number, number))])
        yield* sql`UPDATE healing_requests SET report = ${odd} WHERE number = ${number}`
      }
      yield* sql`UPDATE healing_requests SET ended_at = NULL WHERE number = 10`
      // The time of the first review is over, and that of no other one.
      yield* TestClock.setTime(14 * DAY + 1500)
      // What the third migration and the fourth have made.
      yield* sql`DROP TABLE healing_suggestions`
      yield* sql`DROP TABLE healing_suggestion_steps`
      yield* sql`DROP TABLE healing_applications`
      yield* sql`DROP TABLE healing_suggestion_stop`
      yield* sql`DROP TABLE healing_automatic_changes`
      for (const table of ["outbox", "notices", "told", "failing", "muted", "watched", "run_counts"])
        yield* sql`DROP TABLE ${sql(`healing_${table}`)}`
      yield* sql`DELETE FROM healing_migrations WHERE migration_id >= 3`

      const store = yield* open
      const model = MemoryStore.make()
      for (const request of [
        reviewed(1, "A", [proposal("/f"), proposal(null), proposal("/g")]),
        reviewed(2, "B:1", [proposal("/f")]),
        reviewed(3, "A", [proposal("/g", null), proposal("/f")]),
        reviewed(4, "A", [proposal("/f")])
      ]) {
        const old = SuggestionLife.propose(request, 1000 * request.number, 14 * DAY)
        yield* model.commit(proposing(old.map((one) => ({ ...one, isOld: true }))))
      }
      for (const one of yield* model.suggestions.due(14 * DAY + 1500, 9)) {
        yield* model.commit([suggestion("pending", SuggestionLife.expire(one, Number(one.expiresAt)))])
      }
      // That of another version cannot be read, and is in nobody's way.
      yield* store.suggestions.list({ states: ["pending"], limit: 1 })
      const { page: _, steps: found, ...others } = yield* contents(store, 15 * DAY)
      const { page: __, steps: expected, ...expectedOthers } = yield* contents(model, 15 * DAY)
      // Nobody is told of what was there before.
      assert.deepStrictEqual(others, { ...expectedOthers, facts: [] })
      const told = ({ steps }: typeof found) =>
        steps
          .filter(({ id }) => id !== "suggestion:A:11.1")
          .map(({ number, ...step }) => JSON.stringify(step))
          .sort()
      assert.deepStrictEqual(told(found), told(expected))
      assert.deepStrictEqual(
        yield* sql`SELECT request, state FROM healing_suggestions WHERE state NOT IN ('pending', 'expired', 'superseded')`,
        [{ request: 11, state: "unreadable" }]
      )
    }).pipe(Effect.provide(client))
  }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
)

it.scoped("rows that cannot be read are in the way of no others, nor are steps", () =>
  Effect.gen(function* () {
    const client = yield* Layer.build(SqliteClient.layer({ filename: ":memory:" }))
    const store = yield* openStore(Layer.provide(Store.layerSql, Layer.succeedContext(client)))
    yield* Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* store.commit(Array.from({ length: 20 }, (_, i) => proposed(i + 1, "A", [null])).flatMap(proposing))
      yield* sql`UPDATE healing_suggestions SET suggestion = '{}' WHERE request BETWEEN 5 AND 18`
      yield* sql`UPDATE healing_suggestion_steps SET "by" = 'x' WHERE number BETWEEN 2 AND 4`
      const requests = Effect.map(store.suggestions.list({ states: ["pending"], limit: 4 }), (all) =>
        all.map(({ request }) => request)
      )
      assert.deepStrictEqual(yield* requests, [20, 19, 4, 3])
      assert.deepStrictEqual(yield* requests, [20, 19, 4, 3])
      assert.lengthOf(yield* store.suggestions.due(15 * DAY, 100), 6)
      const { next, steps } = yield* store.suggestions.steps(undefined, 0, 3)
      assert.deepStrictEqual([steps.map(({ number }) => number), next], [[1], 3])
      assert.deepStrictEqual(
        (yield* store.suggestions.steps(undefined, 3, 3)).steps.map(({ number }) => number),
        [5, 6]
      )
    }).pipe(Effect.provide(client))
  }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
)

/** How the database looks for what is asked. */
it.scoped("what is asked of suggestions is found by an index, and in its order", () =>
  Effect.gen(function* () {
    const client = yield* Layer.build(SqliteClient.layer({ filename: ":memory:" }))
    const asked: Array<string> = []
    const store = yield* openStore(Layer.provide(Store.layerSql, Layer.succeedContext(client)))
    yield* Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const listen = Statement.setTransformer((self) => {
        const [text] = self.compile()
        if (/^\s*(SELECT|DELETE)/.test(text)) asked.push(text)
        return Effect.succeed(self)
      })
      const all = { states: SuggestionState.literals, limit: 9 }
      yield* Effect.all([
        store.suggestions.list(all),
        store.suggestions.list({ ...all, after: { request: 7, position: 1 } }),
        store.suggestions.list({ ...all, job: "A", states: ["pending"] }),
        store.suggestions.list({ ...all, states: ["pending"] }),
        store.suggestions.list({ ...all, supersededBy: ["x"] }),
        store.suggestions.due(1, 9),
        store.suggestions.nextDue,
        store.suggestions.steps("x", 0, 9),
        store.suggestions.steps(undefined, 0, 9),
        store.suggestions.prune(1, 9),
        store.suggestions.application({ request: 7, position: 1 }),
        store.suggestions.unfinished,
        store.suggestions.automatic({ request: 7, position: 1 }),
        store.suggestions.automaticSince(1),
        store.suggestions.locks(undefined, 9),
        store.suggestions.locks("A", 1),
        store.suggestions.lockedJobs
      ]).pipe(Effect.provide(listen))
      asked.push(
        "SELECT * FROM healing_suggestions WHERE job = 'A' AND target_file = '/f' AND request < 7 AND state IN ('pending', 'approved') ORDER BY request DESC, position"
      )
      assert.isAbove(asked.length, 10)
      for (const text of asked) {
        const plan = yield* sql.unsafe<{ readonly detail: string }>(`EXPLAIN QUERY PLAN ${text.replaceAll("?", "7")}`)
        const details = plan.map(({ detail }) => detail)
        const slow = details.filter((detail) =>
          /^SCAN healing_(suggestions|applications|automatic_changes)$/.test(detail)
        )
        assert.deepStrictEqual(slow, [], `${text}\n${details.join("\n")}`)
        // A few are sorted, but never all that there are.
        if (details.some((detail) => detail.includes("TEMP B-TREE"))) {
          assert.match(
            details.join("\n"),
            /for_file|superseded|LIST SUBQUERY|ended|due|automatic_changes_by_time|automatic_locks/,
            text
          )
        }
      }
    }).pipe(Effect.provide(client))
  })
)
