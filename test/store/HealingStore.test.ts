import { SqliteClient } from "@effect/sql-sqlite-node"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Context, Effect, Fiber, Layer, Runtime } from "effect"
import * as FastCheck from "effect/FastCheck"
import {
  type HealingRequest,
  HealingRequest as HealingRequestSchema,
  HealingStore,
  isAutomatic,
  type Occurrence,
  type RequestState
} from "effect-healing"
import { idOf } from "../../src/request/HealingRequest.js"
import type { QueueState } from "../../src/store/Change.js"
import { victimOf } from "../support/interruptBeforeOp.js"
import { restingProperty, runsOf } from "../support/property.js"
import { aRequest, ended, insert, move, openStore, stores } from "../support/storeSamples.js"

type Store = Context.Tag.Service<HealingStore>

/** After everything. */
const LATER = 1e15

const finals: ReadonlyArray<RequestState> = ["completed", "failed", "skipped", "cancelled", "coalesced"]

const state = (value: RequestState) => FastCheck.constant(value)

const queued = (state: QueueState) => ({ _tag: "QueueState" as const, state })

const occurrence = (job: string, at: number, fields: Partial<Occurrence> = {}) => ({
  _tag: "Occurrence" as const,
  occurrence: { job, first: at, at, schedule: "daily", request: null, reason: "none", ...fields }
})

/** All that is there, by number, each page as small as can be. */
const everything = (store: Store) =>
  Effect.gen(function* () {
    const all: Array<HealingRequest> = yield* Effect.map(store.history({ states: finals, limit: 1000 }), (page) => [
      ...page
    ])
    for (const state of ["pending", "running"] as const) {
      for (let from: number | undefined = 1; from !== undefined; ) {
        const { next, requests, setAside }: Effect.Effect.Success<ReturnType<Store["page"]>> = yield* store.page(
          state,
          from,
          1
        )
        assert.deepStrictEqual(setAside, [])
        all.push(...requests)
        from = next
      }
    }
    return all.sort((a, b) => a.number - b.number)
  })

/** Everything that the port tells. */
const contents = (store: Store) =>
  Effect.all({
    requests: everything(store),
    queueState: store.queueState,
    lastNumber: store.lastNumber,
    completed: store.lastCompleted(0, LATER),
    starts: store.automaticStarts(0, LATER, 100),
    facts: store.notices.facts(10_000),
    watched: Effect.map(store.watched, (all) => Array.from(all).sort())
  })

const refused = (store: Store, changes: Parameters<Store["commit"]>[0]) =>
  Effect.gen(function* () {
    const before = yield* contents(store)
    const error = yield* Effect.flip(
      store.commit([
        insert(aRequest(1000, { job: "bystander" })),
        queued({ paused: true, rateLimitedUntil: 999, rateLimits: 99 }),
        ...changes,
        insert(aRequest(1001, { job: "bystander", state: "running" }))
      ])
    )
    assert.strictEqual(error.reason, "UnexpectedState")
    assert.deepStrictEqual(yield* contents(store), before, "nothing of it has happened")
    yield* store.commit([])
    return error.message
  })

/** Names, and other texts that were trouble somewhere. */
const text = (minLength: number, maxLength: number) =>
  FastCheck.oneof(
    FastCheck.string({ unit: "grapheme", minLength, maxLength: Math.floor(maxLength / 16) }),
    FastCheck.string({ minLength, maxLength: maxLength }),
    FastCheck.constantFrom(
      "'",
      '"',
      "''; DROP TABLE healing_requests; --",
      "\\",
      "%_",
      "?",
      "$1",
      "a\u0000b",
      "\n\r\t",
      "null",
      "NULL",
      "0",
      "007",
      "1e3",
      " 12 ",
      "healing:a:1",
      "日本語",
      "👩‍👩‍👧",
      "e\u0301",
      "\u202e"
    )
  )

const textOrNull = FastCheck.oneof(FastCheck.constant(null), text(0, 64))

const anyRequest = FastCheck.tuple(
  Arbitrary.make(HealingRequestSchema),
  FastCheck.record({
    job: text(1, 64),
    triggers: FastCheck.tuple(text(1, 64)),
    runId: textOrNull,
    note: textOrNull,
    reason: textOrNull,
    coalescedInto: textOrNull,
    report: FastCheck.oneof(FastCheck.constant(null), FastCheck.record({ summary: text(1, 64) })),
    endedAt: FastCheck.integer()
  }),
  FastCheck.boolean()
).map(([any, { endedAt, ...texts }, withTexts]): HealingRequest => {
  const request = withTexts ? { ...any, ...texts } : { ...any, job: texts.job }
  const isFinal = finals.includes(request.state)
  return { ...request, endedAt: isFinal ? (request.endedAt ?? endedAt) : null }
})

const numbered = (request: HealingRequest, number: number): HealingRequest => ({
  ...request,
  number,
  id: idOf(request.job, number)
})

/** Few jobs and times, so that there are ties. */
const someRequests = FastCheck.array(
  FastCheck.record({
    job: FastCheck.constantFrom("A", "B", "C"),
    state: FastCheck.oneof(
      { weight: 1, arbitrary: state("pending") },
      { weight: 1, arbitrary: state("running") },
      { weight: 8, arbitrary: FastCheck.constantFrom(...finals) }
    ),
    endedAt: FastCheck.nat(9),
    starts: FastCheck.array(FastCheck.nat(9), { maxLength: 3 }),
    triggers: FastCheck.constantFrom<HealingRequest["triggers"]>(["manual"], ["schedule"], ["schedule", "manual"]),
    gap: FastCheck.integer({ min: 1, max: 3 })
  }),
  { maxLength: 25 }
).map((all) => {
  const taken = new Set<string>()
  let number = 0
  return all.map(({ endedAt, gap, state, ...fields }): HealingRequest => {
    number += gap
    const final = finals.includes(state)
    const place = `${fields.job} ${state}`
    if (final || taken.has(place)) return ended(number, endedAt, { ...fields, state: final ? state : "cancelled" })
    taken.add(place)
    return aRequest(number, { ...fields, state })
  })
})

const newestFirst = (requests: ReadonlyArray<HealingRequest>) =>
  requests
    .filter(({ endedAt }) => endedAt !== null)
    .sort((a, b) => Number(b.endedAt) - Number(a.endedAt) || b.number - a.number)

const numbersOf = (requests: ReadonlyArray<HealingRequest>) => requests.map(({ number }) => number)

describe.each(Object.entries(stores))("%s", (_, layer) => {
  const store = openStore(Layer.orDie(layer))

  describe("commit", () => {
    it.scoped("keeps requests by their states, and moves them", () =>
      Effect.gen(function* () {
        const { commit, history, page } = yield* store
        yield* commit([insert(aRequest(1)), insert(aRequest(2, { job: "B" }))])
        assert.deepStrictEqual((yield* page("pending", 1, 10)).requests, [aRequest(1), aRequest(2, { job: "B" })])
        const running = aRequest(1, { state: "running", starts: [5], note: "new" })
        yield* commit([move("pending", running)])
        assert.deepStrictEqual((yield* page("pending", 1, 10)).requests, [aRequest(2, { job: "B" })])
        assert.deepStrictEqual((yield* page("running", 1, 10)).requests, [running])
        const completed = ended(1, 9, { starts: [5] })
        yield* commit([move("running", completed)])
        assert.deepStrictEqual((yield* page("running", 1, 10)).requests, [])
        assert.deepStrictEqual(yield* history({ states: finals, limit: 10 }), [completed])
      })
    )

    it.scoped("changes a request that stays in its state", () =>
      Effect.gen(function* () {
        const { commit, page } = yield* store
        yield* commit([insert(aRequest(1))])
        yield* commit([move("pending", aRequest(1, { note: "newer", priority: -1 }))])
        assert.deepStrictEqual((yield* page("pending", 1, 10)).requests, [aRequest(1, { note: "newer", priority: -1 })])
      })
    )

    it.scoped("of nothing does nothing", () =>
      Effect.gen(function* () {
        const { commit, lastNumber, queueState } = yield* store
        yield* commit([])
        assert.strictEqual(yield* lastNumber, 0)
        assert.isUndefined(yield* queueState)
      })
    )

    it.scoped("makes its changes in their order", () =>
      Effect.gen(function* () {
        const opened = yield* store
        const { commit } = opened
        yield* commit([insert(aRequest(1, { state: "running" })), insert(aRequest(2))])
        // One of a job may run, so the first must have ended when the second starts.
        yield* commit([move("running", ended(1, 5)), move("pending", aRequest(2, { state: "running" }))])
        assert.deepStrictEqual(yield* everything(opened), [ended(1, 5), aRequest(2, { state: "running" })])
        yield* commit([insert(aRequest(3, { note: "later" }))])
        // One of a job may be pending, so the newer must have gone when the older comes back.
        const coalesced = ended(3, 6, { state: "coalesced", report: null, note: "later", coalescedInto: "healing:A:2" })
        yield* commit([move("pending", coalesced), move("running", aRequest(2, { note: "later" }))])
        assert.deepStrictEqual(yield* everything(opened), [ended(1, 5), aRequest(2, { note: "later" }), coalesced])
        yield* commit([insert(aRequest(4, { job: "B" })), move("pending", aRequest(4, { job: "B", state: "running" }))])
        assert.deepStrictEqual((yield* opened.page("running", 1, 10)).requests, [
          aRequest(4, { job: "B", state: "running" })
        ])
        yield* refused(opened, [
          move("pending", aRequest(2, { state: "running" })),
          insert(aRequest(5)),
          insert(aRequest(6))
        ])
      })
    )

    it.scoped("refuses a request that is in another state, and says in which", () =>
      Effect.gen(function* () {
        const opened = yield* store
        yield* opened.commit([
          insert(aRequest(1)),
          insert(aRequest(2, { job: "B", state: "running" })),
          insert(ended(3, 7, { job: "C", state: "failed" })),
          queued({ paused: false, rateLimitedUntil: null, rateLimits: 1 })
        ])
        assert.match(
          yield* refused(opened, [move("running", ended(1, 9))]),
          /healing:A:1 should be running, and is pending/
        )
        assert.match(
          yield* refused(opened, [move("pending", aRequest(2, { job: "B", state: "running" }))]),
          /healing:B:2 should be pending, and is running/
        )
        assert.match(
          yield* refused(opened, [move("running", ended(3, 9, { job: "C" }))]),
          /healing:C:3 should be running, and is failed/
        )
      })
    )

    it.scoped("that is refused takes back all that it has done to one request", () =>
      Effect.gen(function* () {
        const opened = yield* store
        yield* opened.commit([insert(aRequest(1)), queued({ paused: false, rateLimitedUntil: 1, rateLimits: 1 })])
        yield* refused(opened, [
          move("pending", aRequest(1, { state: "running" })),
          move("running", ended(1, 9)),
          insert(aRequest(2)),
          move("pending", aRequest(2, { state: "running" })),
          queued({ paused: false, rateLimitedUntil: 2, rateLimits: 2 }),
          insert(aRequest(2))
        ])
        yield* opened.commit([move("pending", aRequest(1, { state: "running" })), insert(aRequest(2))])
      })
    )

    it.scoped("refuses to move a request that is not there", () =>
      Effect.gen(function* () {
        const opened = yield* store
        yield* opened.commit([insert(aRequest(1))])
        assert.match(
          yield* refused(opened, [move("pending", aRequest(7, { job: "B", state: "running" }))]),
          /healing:B:7 should be pending, and is not there/
        )
      })
    )

    it.scoped("refuses a number that was given already", () =>
      Effect.gen(function* () {
        const opened = yield* store
        yield* opened.commit([insert(aRequest(1)), insert(ended(2, 5))])
        for (const number of [1, 2]) {
          assert.match(yield* refused(opened, [insert(aRequest(number, { job: "B" }))]), /should be not there/)
        }
      })
    )

    it.scoped("R14 refuses a second pending and a second running request of a job", () =>
      Effect.gen(function* () {
        const opened = yield* store
        yield* opened.commit([
          insert(aRequest(1)),
          insert(aRequest(2, { state: "running" })),
          insert(aRequest(3, { job: "B" }))
        ])
        yield* refused(opened, [insert(aRequest(4))])
        yield* refused(opened, [insert(aRequest(4, { state: "running" }))])
        yield* refused(opened, [move("pending", aRequest(1, { state: "running" }))])
        yield* refused(opened, [move("running", aRequest(2))])
        yield* refused(opened, [move("running", aRequest(2)), move("pending", aRequest(1, { state: "running" }))])
        yield* opened.commit([
          insert(aRequest(4, { job: "B", state: "running" })),
          insert(ended(5, 1)),
          insert(ended(6, 1))
        ])
      })
    )

    it.scoped("that was refused leaves the next one free", () =>
      Effect.gen(function* () {
        const opened = yield* store
        yield* opened.commit([insert(aRequest(1))])
        for (let i = 0; i < 3; i++) yield* refused(opened, [move("running", ended(1, 9))])
        yield* refused(opened, [move("pending", ended(1, 9)), insert(aRequest(2)), insert(aRequest(3))])
        yield* opened.commit([move("pending", aRequest(1, { state: "running" })), insert(aRequest(2))])
        assert.deepStrictEqual(yield* everything(opened), [aRequest(1, { state: "running" }), aRequest(2)])
      })
    )

    it.scoped("of many fibers at once loses and mixes nothing", () =>
      Effect.gen(function* () {
        const opened = yield* store
        const numbers = Array.from({ length: 40 }, (_, i) => i + 1)
        yield* Effect.forEach(
          numbers,
          (number) => {
            const request = aRequest(number, { job: `${number}` })
            const commit = opened.commit([insert(request), move("pending", { ...request, state: "running" })])
            const fails = opened.commit([insert(aRequest(100 + number, { job: `x${number}` })), insert(request)])
            return Effect.zipRight(commit, Effect.flip(fails))
          },
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          yield* everything(opened),
          numbers.map((number) => aRequest(number, { job: `${number}`, state: "running" }))
        )
      })
    )

    it.scoped("that is interrupted at whatever op is made as a whole or not at all, and leaves the next one free", () =>
      Effect.gen(function* () {
        const opened = yield* store
        const outcomes = new Set<string>()
        for (let op = 1, wasReached = true; wasReached; op++) {
          const [first, second] = [2 * op - 1, 2 * op]
          const one = aRequest(first, { job: `${first}` })
          const commit = opened.commit([insert(one), insert(aRequest(second, { job: `${second}`, state: "running" }))])
          const { fiber, isReached } = yield* victimOf(commit, op, op % 2 === 0 ? "go on" : "yield")
          yield* Fiber.await(fiber)
          wasReached = isReached()
          const pending = yield* opened.page("pending", first, 9)
          const running = yield* opened.page("running", second, 9)
          assert.strictEqual(pending.requests.length, running.requests.length)
          outcomes.add(pending.requests.length === 0 ? "none" : "all")
          if (pending.requests.length === 0) yield* commit
          yield* opened.commit([move("pending", { ...one, state: "running" })])
        }
        assert.deepStrictEqual([...outcomes].sort(), ["all", "none"])
      })
    )

    it.scoped("keeps every field of any request", () =>
      Effect.gen(function* () {
        const { commit, history, page } = yield* store
        const read = ({ endedAt, job, number, state }: HealingRequest) =>
          state === "pending" || state === "running"
            ? Effect.map(page(state, number, 1), ({ requests }) => requests)
            : history({ job, states: [state], limit: 1, before: { endedAt: Number(endedAt), number: number + 1 } })
        const run = Runtime.runPromise(yield* Effect.runtime())
        let number = 0
        // One pair of requests after the other in one store: what was inserted, and what an update makes of it.
        const check = ([one, other]: readonly [HealingRequest, HealingRequest]) =>
          Effect.gen(function* () {
            number++
            const inserted = numbered(one, number)
            const updated = { ...numbered({ ...other, job: one.job }, number) }
            yield* commit([insert(inserted)])
            assert.deepStrictEqual(yield* read(inserted), [inserted])
            yield* commit([move(inserted.state, updated)])
            assert.deepStrictEqual(yield* read(updated), [updated])
            yield* commit([move(updated.state, ended(number, 0, { job: one.job }))])
          })
        yield* Effect.promise(() =>
          FastCheck.assert(
            restingProperty(FastCheck.tuple(anyRequest, anyRequest), (pair) => run(check(pair))),
            { numRuns: runsOf({ few: 25, many: 150 }), endOnFailure: true }
          )
        )
      })
    )
  })

  describe("queueState", () => {
    it.scoped("is undefined first, and then what was written last", () =>
      Effect.gen(function* () {
        const { commit, queueState } = yield* store
        assert.isUndefined(yield* queueState)
        const one: QueueState = { paused: true, rateLimitedUntil: 1_700_000_000_000, rateLimits: 3 }
        const other: QueueState = { paused: false, rateLimitedUntil: null, rateLimits: 0 }
        yield* commit([queued(one)])
        assert.deepStrictEqual(yield* queueState, one)
        yield* commit([queued(one), insert(aRequest(1)), queued(other)])
        assert.deepStrictEqual(yield* queueState, other)
        yield* commit([queued(other), queued(one)])
        assert.deepStrictEqual(yield* queueState, one)
      })
    )
  })

  describe("lastNumber", () => {
    it.scoped("is 0 first, and then the highest number", () =>
      Effect.gen(function* () {
        const { commit, lastNumber } = yield* store
        assert.strictEqual(yield* lastNumber, 0)
        yield* commit([insert(aRequest(7)), insert(aRequest(3, { job: "B" }))])
        assert.strictEqual(yield* lastNumber, 7)
        yield* commit([move("pending", ended(7, 1))])
        assert.strictEqual(yield* lastNumber, 7)
      })
    )

    it.scoped("stays when everything is pruned that can be, so that no number is given out twice", () =>
      Effect.gen(function* () {
        const opened = yield* store
        yield* opened.commit([1, 2, 3, 4].map((number) => insert(ended(number, 5 - number))))
        yield* opened.prune(Number.MAX_SAFE_INTEGER, 100)
        assert.strictEqual(yield* opened.lastNumber, 4)
        yield* opened.commit([insert(aRequest(5))])
        yield* opened.prune(Number.MAX_SAFE_INTEGER, 100)
        assert.strictEqual(yield* opened.lastNumber, 5)
        assert.deepStrictEqual(yield* everything(opened), [aRequest(5)])
      })
    )
  })

  describe("page", () => {
    it.scoped("goes on at its next, in the order of the numbers, to the end", () =>
      Effect.gen(function* () {
        const { commit, page } = yield* store
        const numbers = [11, 2, 5, 9, 30, 4, 8]
        yield* commit(numbers.map((number) => insert(aRequest(number, { job: `${number}` }))))
        yield* commit([insert(aRequest(6, { state: "running" })), insert(ended(7, 1))])
        const inOrder = numbers.sort((a, b) => a - b)
        for (const limit of [1, 2, 3, 6, 7, 8, 100]) {
          const seen: Array<number> = []
          for (let from: number | undefined = 0; from !== undefined; ) {
            const { next, requests, setAside }: Effect.Effect.Success<ReturnType<typeof page>> = yield* page(
              "pending",
              from,
              limit
            )
            assert.deepStrictEqual(setAside, [])
            assert.deepStrictEqual(
              numbersOf(requests),
              inOrder.filter((number) => number >= Number(from)).slice(0, limit)
            )
            assert(next === undefined || next > from, "it comes to an end")
            seen.push(...numbersOf(requests))
            from = next
          }
          assert.deepStrictEqual(seen, inOrder)
        }
        assert.deepStrictEqual(yield* page("pending", 31, 10), { requests: [], setAside: [], next: undefined })
        assert.deepStrictEqual(numbersOf((yield* page("running", 0, 10)).requests), [6])
      })
    )
  })

  describe("lastCompleted", () => {
    it.scoped("tells the end of the last completed review of each job, of those after then", () =>
      Effect.gen(function* () {
        const { commit, lastCompleted } = yield* store
        yield* commit([
          insert(ended(1, 30, { job: "A" })),
          insert(ended(2, 20, { job: "A" })),
          insert(ended(3, 99, { job: "A", state: "failed" })),
          insert(ended(4, 10, { job: "B" })),
          insert(ended(5, 99, { job: "C", state: "cancelled" })),
          insert(aRequest(6, { job: "B" }))
        ])
        const since = (at: number) => Effect.map(lastCompleted(at, LATER), (all) => Object.fromEntries(all))
        assert.deepStrictEqual(yield* since(0), { A: 30, B: 10 })
        assert.deepStrictEqual(yield* since(9), { A: 30, B: 10 })
        assert.deepStrictEqual(yield* since(10), { A: 30 })
        assert.deepStrictEqual(yield* since(29), { A: 30 })
        assert.deepStrictEqual(yield* since(30), {})
        assert.deepStrictEqual(yield* since(Number.NEGATIVE_INFINITY), { A: 30, B: 10 })
        assert.deepStrictEqual(Object.fromEntries(yield* lastCompleted(0, 30)), { A: 20, B: 10 })
      })
    )
  })

  describe("automaticStarts", () => {
    it.scoped("tells all starts of the automatic ones after then, the newest first, so many at most", () =>
      Effect.gen(function* () {
        const { automaticStarts, commit } = yield* store
        yield* commit([
          insert(ended(1, 99, { triggers: ["schedule"], starts: [10, 20, 50] })),
          insert(ended(2, 99, { triggers: ["schedule", "manual"], starts: [30, 60] })),
          insert(ended(3, 99, { triggers: ["failure"], starts: [40], state: "failed" })),
          insert(aRequest(4, { triggers: ["sla_breach"], starts: [20, 45] })),
          insert(aRequest(5, { triggers: ["my own"], starts: [70], state: "running" })),
          insert(aRequest(6, { job: "B", triggers: ["schedule"] }))
        ])
        assert.deepStrictEqual(yield* automaticStarts(0, LATER, 100), [70, 50, 45, 40, 20, 20, 10])
        assert.deepStrictEqual(yield* automaticStarts(20, LATER, 100), [70, 50, 45, 40])
        assert.deepStrictEqual(yield* automaticStarts(0, LATER, 3), [70, 50, 45])
        assert.deepStrictEqual(yield* automaticStarts(70, LATER, 100), [])
        // Somebody asks by hand for what was wanted by itself.
        yield* commit([move("pending", aRequest(4, { triggers: ["sla_breach", "manual"], starts: [20, 45] }))])
        assert.deepStrictEqual(yield* automaticStarts(0, LATER, 100), [70, 50, 40, 20, 10])
      })
    )

    it.scoped("tells them after the clock was set back, too", () =>
      Effect.gen(function* () {
        const { automaticStarts, commit } = yield* store
        yield* commit([insert(ended(1, 99, { triggers: ["schedule"], starts: [100, 50] }))])
        assert.deepStrictEqual(yield* automaticStarts(60, LATER, 10), [100])
        assert.deepStrictEqual(yield* automaticStarts(40, LATER, 1), [100])
        assert.deepStrictEqual(yield* automaticStarts(40, 100, 1), [50])
      })
    )
  })

  describe("history", () => {
    it.scoped("is what has ended, the newest first, by job and by state", () =>
      Effect.gen(function* () {
        const { commit, history } = yield* store
        yield* commit([
          insert(ended(1, 10)),
          insert(ended(2, 30, { state: "failed", job: "B" })),
          insert(ended(3, 20, { state: "skipped" })),
          insert(ended(4, 30, { state: "cancelled" })),
          insert(ended(5, 5, { state: "coalesced" })),
          insert(aRequest(6)),
          insert(aRequest(7, { state: "running" }))
        ])
        const numbers = (query: Parameters<typeof history>[0]) => Effect.map(history(query), numbersOf)
        assert.deepStrictEqual(yield* numbers({ states: finals, limit: 10 }), [4, 2, 3, 1, 5])
        assert.deepStrictEqual(yield* numbers({ states: finals, limit: 2 }), [4, 2])
        assert.deepStrictEqual(yield* numbers({ states: finals, limit: 10, job: "B" }), [2])
        assert.deepStrictEqual(yield* numbers({ states: finals, limit: 10, job: "none" }), [])
        assert.deepStrictEqual(yield* numbers({ states: ["failed", "completed"], limit: 10 }), [2, 1])
        assert.deepStrictEqual(yield* numbers({ states: ["completed"], limit: 10, job: "B" }), [])
        assert.deepStrictEqual(yield* numbers({ states: [], limit: 10 }), [])
        assert.deepStrictEqual(
          yield* numbers({ states: finals, limit: 10, before: { endedAt: 30, number: 4 } }),
          [2, 3, 1, 5]
        )
        // It need not be there any more.
        assert.deepStrictEqual(
          yield* numbers({ states: finals, limit: 10, before: { endedAt: 30, number: 3 } }),
          [2, 3, 1, 5]
        )
        assert.deepStrictEqual(yield* numbers({ states: finals, limit: 1, before: { endedAt: 20, number: 3 } }), [1])
      })
    )
  })

  describe("prune", () => {
    it.scoped("removes the oldest first, so many at most, and tells how many", () =>
      Effect.gen(function* () {
        const opened = yield* store
        yield* opened.commit([
          insert(ended(1, 30)),
          insert(ended(2, 10)),
          insert(ended(3, 20)),
          insert(ended(4, 40)),
          insert(ended(5, 5))
        ])
        const left = Effect.map(everything(opened), numbersOf)
        assert.strictEqual(yield* opened.prune(10, 10), 0, "before then, and 5 is the newest number")
        assert.strictEqual(yield* opened.prune(40, 2), 2)
        assert.deepStrictEqual(yield* left, [1, 4, 5])
        assert.strictEqual(yield* opened.prune(40, 2), 1)
        assert.deepStrictEqual(yield* left, [4, 5])
        assert.strictEqual(yield* opened.prune(40, 2), 0)
        assert.strictEqual(yield* opened.prune(41, 2), 1)
        assert.deepStrictEqual(yield* left, [5])
      })
    )

    it.scoped("leaves what is pending or running, however old", () =>
      Effect.gen(function* () {
        const opened = yield* store
        const kept = [aRequest(1), aRequest(2, { state: "running" }), ended(9, 1)]
        yield* opened.commit([...kept.map(insert), insert(ended(3, 1))])
        assert.strictEqual(yield* opened.prune(Number.MAX_SAFE_INTEGER, 100), 1)
        assert.deepStrictEqual(yield* everything(opened), kept)
        assert.strictEqual(yield* opened.prune(Number.MAX_SAFE_INTEGER, 100), 0)
      })
    )

    it.scoped("forgets the request: its number is refused as not there, its job is free", () =>
      Effect.gen(function* () {
        const opened = yield* store
        yield* opened.commit([insert(ended(1, 1)), insert(ended(2, 2))])
        yield* opened.prune(10, 10)
        assert.match(yield* refused(opened, [move("completed", ended(1, 9))]), /is not there/)
        assert.strictEqual((yield* opened.lastCompleted(0, LATER)).get("A"), 2)
      })
    )
  })

  describe("occurrences", () => {
    it.scoped("are told in the order in which they were written, of each job the last one, whenever that was", () =>
      Effect.gen(function* () {
        const { commit, lastOccurrences, occurrences } = yield* store
        const [first, second] = [occurrence("A", 10), occurrence("A", 5, { first: 3, request: 7, reason: null })]
        yield* commit([first])
        yield* commit([insert(aRequest(7)), second, occurrence("B", 1)])
        assert.deepStrictEqual(yield* occurrences("A", 10), [second.occurrence, first.occurrence])
        assert.deepStrictEqual(yield* occurrences("A", 1), [second.occurrence])
        assert.deepStrictEqual(yield* occurrences("C", 1), [])
        assert.sameDeepMembers([...(yield* lastOccurrences)], [second.occurrence, occurrence("B", 1).occurrence])
      })
    )

    it.scoped("are written with what else is, or not at all", () =>
      Effect.gen(function* () {
        const { commit, lastOccurrences } = yield* store
        yield* Effect.flip(commit([occurrence("A", 10), move("pending", aRequest(1))]))
        assert.deepStrictEqual(yield* lastOccurrences, [])
      })
    )

    it.scoped("are pruned but for the last one of each job", () =>
      Effect.gen(function* () {
        const { commit, occurrences, prune } = yield* store
        yield* commit([
          occurrence("A", 1),
          occurrence("A", 9),
          occurrence("A", 2),
          occurrence("A", 3),
          occurrence("B", 1)
        ])
        assert.strictEqual(yield* prune(5, 100), 2)
        assert.deepStrictEqual(
          (yield* occurrences("A", 10)).map(({ at }) => at),
          [3, 9]
        )
        assert.lengthOf(yield* occurrences("B", 10), 1)
      })
    )
  })

  describe("explained", () => {
    it.scoped("is a failure of that job with that signature if a review of it was completed", () =>
      Effect.gen(function* () {
        const { commit, explained } = yield* store
        yield* commit([
          insert(ended(1, 1, { signatures: ["another", "done"] })),
          insert(ended(2, 2, { signatures: ["skipped"], state: "skipped" })),
          insert(aRequest(3, { signatures: ["pending"] })),
          insert(ended(4, 4, { job: "B", signatures: ["other"] })),
          insert(ended(5, 5))
        ])
        const all = ["done", "skipped", "pending", "other", "never"].map((signature) => explained("A", signature))
        assert.deepStrictEqual(yield* Effect.all(all), [true, false, false, false, false])
      })
    )
  })

  it.scoped("tells of any requests what a plain array tells", () =>
    Effect.promise(() =>
      FastCheck.assert(
        restingProperty(
          FastCheck.record({
            requests: someRequests,
            since: FastCheck.integer({ min: -1, max: 10 }),
            limit: FastCheck.integer({ min: 1, max: 6 }),
            job: FastCheck.constantFrom(undefined, "A", "B", "C"),
            states: FastCheck.subarray([...finals])
          }),
          ({ job, limit, requests, since, states }) =>
            Effect.gen(function* () {
              const opened = yield* store
              yield* opened.commit(requests.map(insert))
              assert.deepStrictEqual(yield* everything(opened), requests)

              const wanted = newestFirst(requests).filter(
                (request) => states.includes(request.state) && (job === undefined || request.job === job)
              )
              const seen: Array<HealingRequest> = []
              for (let more = true; more; ) {
                const last = seen.at(-1)
                const page = yield* opened.history({
                  job,
                  states,
                  limit,
                  before: last && { endedAt: Number(last.endedAt), number: last.number }
                })
                assert.isAtMost(page.length, limit)
                seen.push(...page)
                more = page.length > 0
              }
              assert.deepStrictEqual(seen, wanted, "each exactly once")

              const before = since + 1 + ((13 * limit) % 40)
              const completed = newestFirst(requests).filter(
                ({ endedAt, state }) => state === "completed" && Number(endedAt) > since && Number(endedAt) < before
              )
              assert.deepStrictEqual(
                new Map(yield* opened.lastCompleted(since, before)),
                new Map(completed.reverse().map(({ endedAt, job }) => [job, Number(endedAt)]))
              )
              assert.deepStrictEqual(
                yield* opened.automaticStarts(since, before, limit),
                requests
                  .filter(isAutomatic)
                  .flatMap(({ starts }) => starts)
                  .filter((at) => at > since && at < before)
                  .sort((a, b) => b - a)
                  .slice(0, limit)
              )

              const newest = requests.at(-1)?.number ?? 0
              assert.strictEqual(yield* opened.lastNumber, newest)
              const old = newestFirst(requests)
                .filter(({ endedAt, number }) => Number(endedAt) < since && number !== newest)
                .reverse()
              assert.strictEqual(yield* opened.prune(since, limit), Math.min(limit, old.length))
              const left = yield* everything(opened)
              const removed = requests.filter(({ number }) => !numbersOf(left).includes(number))
              // Which of those that ended at the same time is of no matter.
              assert.deepStrictEqual(
                removed.map(({ endedAt }) => endedAt).sort(),
                old.slice(0, limit).map(({ endedAt }) => endedAt)
              )
              assert.isTrue(removed.every(({ number }) => number !== newest))
              assert.deepStrictEqual(
                left,
                requests.filter((request) => !removed.includes(request))
              )
              assert.strictEqual(yield* opened.lastNumber, newest)
            }).pipe(Effect.scoped, Effect.runPromise)
        ),
        { numRuns: runsOf({ few: 15, many: 40 }) }
      )
    )
  )
})

it.scoped("a database of the version before schedules is read as it is, and written from then on", () =>
  Effect.gen(function* () {
    const client = yield* Layer.build(SqliteClient.layer({ filename: ":memory:" }))
    const layer = Layer.provide(HealingStore.layerSql, Layer.succeedContext(client))
    const sql = Context.get(client, SqliteClient.SqliteClient)
    const before = yield* openStore(layer)
    yield* before.commit([insert(aRequest(1)), insert(ended(2, 5, { job: "B" }))])
    // What the later migrations have made.
    yield* sql`DROP TABLE healing_applications`
    yield* sql`DROP TABLE healing_suggestion_stop`
    yield* sql`DROP TABLE healing_automatic_changes`
    for (const table of ["outbox", "notices", "told", "failing", "muted", "watched", "run_counts"])
      yield* sql`DROP TABLE ${sql(`healing_${table}`)}`
    yield* sql`DROP TABLE healing_suggestions`
    yield* sql`DROP TABLE healing_suggestion_steps`
    yield* sql`DROP INDEX healing_explained`
    yield* sql`DROP TABLE healing_occurrences`
    for (const column of ["cooldown", "signatures"]) {
      yield* sql`ALTER TABLE healing_requests DROP COLUMN ${sql(column)}`
    }
    yield* sql`DELETE FROM healing_migrations WHERE migration_id >= 2`
    const after = yield* openStore(layer)
    assert.deepStrictEqual(yield* everything(after), [aRequest(1), ended(2, 5, { job: "B" })])
    const changed = aRequest(1, { cooldown: 60_000, signatures: ["a"] })
    yield* after.commit([move("pending", changed), occurrence("A", 1)])
    assert.deepStrictEqual((yield* after.page("pending", 0, 10)).requests, [changed])
    assert.lengthOf(yield* after.lastOccurrences, 1)
  })
)
