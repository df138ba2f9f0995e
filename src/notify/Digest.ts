/**
 * What has happened to each job in a day or a week, in one notice.
 *
 * @internal
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Order from "effect/Order"
import type { HealingStoreError } from "../HealingError.js"
import { count } from "../internal/Plural.js"
import type { HealingRequest } from "../request/HealingRequest.js"
import { type HealingSuggestion, SuggestionState } from "../request/HealingSuggestion.js"
import type { Journal } from "../store/Journal.js"
import type { NoticeChange, RunCount } from "../store/NoticeJournal.js"
import type { Draft } from "./Notice.js"

/** Jobs that have a line of their own. */
const MAX_JOBS = 20

/** How many rows are read at a time, and how often at most. */
const PAGE = 1000

const MAX_PAGES = 50

interface OfJob {
  readonly job: string
  runs: number
  failures: number
  reviews: number
  costUsd: number
  open: number
  applied: number
  confirmed: number
  relapsed: number
}

/** What has ended since then, the newest first. */
const reviewsSince = (
  store: Journal,
  since: number
): Effect.Effect<ReadonlyArray<HealingRequest>, HealingStoreError> => {
  const read = (
    before: { readonly endedAt: number; readonly number: number } | undefined,
    pages: number
  ): Effect.Effect<ReadonlyArray<HealingRequest>, HealingStoreError> =>
    Effect.flatMap(store.history({ states: ["completed", "failed"], limit: PAGE, before }), (page) => {
      const recent = page.filter(({ endedAt }) => (endedAt ?? 0) > since)
      const last = page.at(-1)
      return recent.length < PAGE || last?.endedAt == null || pages >= MAX_PAGES
        ? Effect.succeed(recent)
        : Effect.map(read({ endedAt: last.endedAt, number: last.number }, pages + 1), (older) => [...recent, ...older])
    })
  return read(undefined, 1)
}

/** Those that are open, and those of which something has come. */
const suggestionsOf = (store: Journal): Effect.Effect<ReadonlyArray<HealingSuggestion>, HealingStoreError> => {
  const states = SuggestionState.literals.filter((state) => !["rejected", "expired", "superseded"].includes(state))
  const read = (
    after: HealingSuggestion | undefined,
    pages: number
  ): Effect.Effect<ReadonlyArray<HealingSuggestion>, HealingStoreError> =>
    Effect.flatMap(store.suggestions.list({ states, limit: PAGE, after }), (page) =>
      page.length < PAGE || pages >= MAX_PAGES
        ? Effect.succeed(page)
        : Effect.map(read(page.at(-1), pages + 1), (older) => [...page, ...older])
    )
  return read(undefined, 1)
}

/** The worst first. */
const inOrder: Order.Order<OfJob> = Order.combineAll([
  Order.mapInput(Order.reverse(Order.number), ({ failures, relapsed }: OfJob) => failures + relapsed),
  Order.mapInput(Order.reverse(Order.number), ({ runs }: OfJob) => runs),
  Order.mapInput(Order.string, ({ job }: OfJob) => job)
])

const lineOf = ({ applied, confirmed, costUsd, failures, job, open, relapsed, reviews, runs }: OfJob): string => {
  const cost = costUsd > 0 ? ` ($${costUsd.toFixed(2)})` : ""
  const suggestions = [
    [open, "open"],
    [applied, "applied"],
    [confirmed, "confirmed"],
    [relapsed, "relapsed"]
  ] as const
  const some = suggestions.filter(([many]) => many > 0).map(([many, what]) => `${many} ${what}`)
  return [
    `${job}: ${count(runs, "run")}, ${count(failures, "failure")}`,
    ...(reviews === 0 ? [] : [`${count(reviews, "review")}${cost}`]),
    ...(some.length === 0 ? [] : [`suggestions: ${some.join(", ")}`])
  ].join(", ")
}

const dateOf = (at: number): string => DateTime.formatIsoDateUtc(DateTime.unsafeMake(at))

/**
 * - `draft`: of the time from `since` to `at`.
 * - `told`: that it has told of these runs.
 *
 * @internal
 */
export const make = (
  store: Journal,
  since: number,
  at: number
): Effect.Effect<{ readonly draft: Draft; readonly told: ReadonlyArray<NoticeChange> }, HealingStoreError> =>
  Effect.gen(function* () {
    const counts = yield* store.notices.runCounts
    return { draft: yield* draftOf(store, counts, since, at), told: counts.map(uncount) }
  })

const uncount = ({ failures, job, runs }: RunCount): NoticeChange => ({
  _tag: "Count",
  counted: { job, runs: -runs, failures: -failures }
})

const draftOf = (
  store: Journal,
  counts: ReadonlyArray<RunCount>,
  since: number,
  at: number
): Effect.Effect<Draft, HealingStoreError> =>
  Effect.gen(function* () {
    const all = new Map<string, OfJob>()
    const of = (job: string): OfJob => {
      const found = all.get(job) ?? {
        job,
        runs: 0,
        failures: 0,
        reviews: 0,
        costUsd: 0,
        open: 0,
        applied: 0,
        confirmed: 0,
        relapsed: 0
      }
      all.set(job, found)
      return found
    }
    for (const { failures, job, runs } of counts) {
      of(job).runs += runs
      of(job).failures += failures
    }
    for (const { job, report } of yield* reviewsSince(store, since)) {
      of(job).reviews++
      of(job).costUsd += report?.costUsd ?? 0
    }
    for (const { changedAt, job, state } of yield* suggestionsOf(store)) {
      if (state === "pending" || state === "approved") of(job).open++
      if (changedAt <= since) continue
      if (state === "applied" || state === "confirmed" || state === "relapsed") of(job)[state]++
    }
    const jobs = Array.from(all.values()).sort(inOrder)
    const sum = (pick: (one: OfJob) => number) => jobs.reduce((total, one) => total + pick(one), 0)
    const lines = jobs.slice(0, MAX_JOBS).map(lineOf)
    const costUsd = sum((one) => one.costUsd)
    const open = sum((one) => one.open)
    return {
      at,
      kind: "Digest",
      severity: "low",
      title: `From ${dateOf(since)} to ${dateOf(at)}: ${count(
        sum(({ runs }) => runs),
        "run"
      )}, ${count(
        sum(({ failures }) => failures),
        "failure"
      )}, ${count(
        sum(({ reviews }) => reviews),
        "review"
      )}`,
      details: jobs.length > MAX_JOBS ? [...lines, `… and ${count(jobs.length - MAX_JOBS, "more job")}`] : lines,
      todo: open === 0 ? "There is nothing to do" : `Decide on ${count(open, "suggestion")}`,
      command: open === 0 ? "effect-healing history" : "effect-healing suggestions --state pending",
      isExempt: true,
      ...(costUsd > 0 && { costUsd })
    }
  })
