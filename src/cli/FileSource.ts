/**
 * The file that a service has left, or whose service has no API: it is only read.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { HealingNotFound, type HealingStoreError, SuggestionNotFound } from "../HealingError.js"
import { requestBrief, suggestionBrief } from "../http/ApiView.js"
import * as Cursor from "../http/Cursor.js"
import type { ApiJob, ApiStatus } from "../http/HealingHttp.js"
import { shown } from "../notify/NoticeDelivery.js"
import { FinalState, numberOf } from "../request/HealingRequest.js"
import { SuggestionState, suggestionId, suggestionKey } from "../request/HealingSuggestion.js"
import type { Journal } from "../store/Journal.js"
import { DeliveryState } from "../store/NoticeJournal.js"
import * as SqliteReading from "../store/SqliteReading.js"
import { type Problem, problemOf, usage } from "./Problem.js"
import type { Source } from "./Source.js"

/** Of what waits, so many are read. */
const MAX_PENDING = 1000

const read = <A>(effect: Effect.Effect<A, HealingStoreError>): Effect.Effect<A, Problem> =>
  Effect.mapError(effect, problemOf)

/** First those that ran when it ended, then those that wait, in the order of their turns. */
const open = ({ page }: Journal) =>
  Effect.gen(function* () {
    const running = (yield* page("running", 0, MAX_PENDING)).requests
    const pending = (yield* page("pending", 0, MAX_PENDING)).requests
    const inOrder = pending.toSorted((one, other) => other.priority - one.priority || one.number - other.number)
    return [...running, ...inOrder]
  })

const notRunning = { _tag: "NotRunning", message: "nothing runs there", until: null, names: [] }

const status = (journal: Journal) =>
  Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    const requests = yield* open(journal)
    const state = yield* journal.queueState
    const stopped = yield* journal.suggestions.stopped
    const locked = yield* journal.suggestions.lockedJobs
    const paused = { _tag: "Paused", message: "a pause of the queue", until: null, names: [] }
    const one: ApiStatus = {
      start: "",
      at,
      enabled: true,
      waiting: requests.length,
      line: requests.slice(0, 100).map(({ job, priority, submittedAt }) => ({
        job,
        priority,
        yields: 0,
        waitedMs: Math.max(at - submittedAt, 0)
      })),
      running: [],
      heldBy: [notRunning],
      holds: state?.paused === true ? [paused] : [],
      openClaw: { jobs: [], unknown: [] },
      quotas: [],
      next: null,
      stopped: Option.match(stopped, {
        onNone: () => [],
        onSome: ({ by }) => [{ by: "person", message: `Nothing is applied: ${by.who} has stopped it` }]
      }),
      locked
    }
    return one
  })

/** The jobs of what is there, of the newest first. */
const jobs = (journal: Journal) =>
  Effect.gen(function* () {
    const past = yield* journal.history({
      states: FinalState.literals.filter((state) => state !== "coalesced"),
      limit: MAX_PENDING
    })
    const requests = yield* open(journal)
    const names = Arr.dedupe([...requests, ...past].map(({ job }) => job))
    return names.map((id): ApiJob => {
      const last = past.find(({ job }) => job === id)
      return {
        id,
        kind: "unknown",
        openClaw: false,
        alwaysUp: false,
        canRestart: false,
        running: 0,
        reviews: requests.filter(({ job }) => job === id).map(({ id, state }) => ({ id, state })),
        last: last === undefined ? null : requestBrief(last),
        nextDueAt: null,
        policy: null,
        problems: []
      }
    })
  })

/** What stands behind this place in the past. */
const placeOf = (before: string | undefined) => {
  const place = before === undefined ? undefined : Cursor.placeOf(before)
  return before !== undefined && place === undefined
    ? usage("before: expected the next of a page")
    : Effect.succeed(place)
}

const keyOf = (id: string) => {
  const key = suggestionKey(id)
  return key === undefined
    ? usage(`${id} is no id of a suggestion, such as suggestion:nightly-digest:7.1`)
    : Effect.succeed(key)
}

/** @internal */
export const make = (database: string): Effect.Effect<Source, Problem, Scope.Scope> =>
  Effect.gen(function* () {
    const journal = yield* Effect.mapError(SqliteReading.open(database), problemOf)
    const { suggestions } = journal
    const suggestion: Source["suggestion"] = (id) =>
      Effect.gen(function* () {
        const found = yield* read(suggestions.find(yield* keyOf(id)))
        const ours = Option.filter(found, (one) => suggestionId(one.job, one) === id)
        return yield* Effect.mapError(ours, () => problemOf(new SuggestionNotFound({ id })))
      })
    return {
      status: read(status(journal)),
      jobs: read(jobs(journal)),
      queue: (limit) =>
        Effect.map(read(open(journal)), (all) => ({
          total: all.length,
          requests: all.slice(0, limit).map(requestBrief)
        })),
      history: ({ before, job, limit, states = FinalState.literals }) =>
        Effect.gen(function* () {
          const found = yield* read(journal.history({ job, states, limit, before: yield* placeOf(before) }))
          return { requests: found.map(requestBrief), next: Cursor.nextOf(found, limit) }
        }),
      request: (id) =>
        Effect.gen(function* () {
          const number = numberOf(id)
          const found = Number.isSafeInteger(number) ? yield* read(journal.find(number)) : Option.none()
          const ours = Option.filter(found, (one) => one.id === id)
          return yield* Effect.mapError(ours, () => problemOf(new HealingNotFound({ id })))
        }),
      suggestions: ({ after, job, limit, states = SuggestionState.literals }) =>
        Effect.gen(function* () {
          const place = after === undefined ? undefined : yield* keyOf(after)
          const found = yield* read(suggestions.list({ job, states, limit, after: place }))
          return {
            suggestions: found.map(suggestionBrief),
            next: found.length < limit ? null : (found.at(-1)?.id ?? null)
          }
        }),
      suggestion,
      steps: (id) =>
        Effect.gen(function* () {
          yield* keyOf(id)
          const { steps } = yield* read(suggestions.steps(id, 0, MAX_PENDING))
          return steps
        }),
      notices: ({ states = DeliveryState.literals, ...filter }) =>
        Effect.map(read(journal.notices.list({ ...filter, states })), (found) => ({
          notices: Arr.filterMap(found, (row) => Either.getRight(shown(row))),
          next: found.length < filter.limit ? null : (found.at(-1)?.number ?? null)
        }))
    }
  })
