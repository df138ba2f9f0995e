/**
 * The store of requests that keeps nothing.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { HealingStoreError, unexpectedState } from "../HealingError.js"
import { type HealingRequest, isAutomatic } from "../request/HealingRequest.js"
import * as RequestLife from "../request/RequestLife.js"
import { isTold, type Occurrence, type QueueState, type Transition } from "./Change.js"
import type { Journal } from "./Journal.js"
import * as MemoryNotices from "./MemoryNotices.js"
import * as MemorySuggestions from "./MemorySuggestions.js"

/**
 * Longer than a screen, since it is the list of what a store can do, over a few maps.
 *
 * @internal
 */
export const make = (): Journal => {
  const requests = new Map<number, HealingRequest>()
  /** Which request of a job has the state, of which it may have but one (R14). */
  const only = { pending: new Map<string, number>(), running: new Map<string, number>() }
  /** The occurrences of each job, in the order in which they were written. */
  const occurrences = new Map<string, ReadonlyArray<Occurrence>>()
  const notices = MemoryNotices.make()
  const suggestions = MemorySuggestions.make(notices.addFact)
  let queueState: QueueState | undefined
  let watched: ReadonlyMap<string, number> = new Map()
  let lastNumber = 0

  const all = () => Array.from(requests.values())

  const onlyOf = ({ state }: HealingRequest): Map<string, number> | undefined =>
    state === "pending" || state === "running" ? only[state] : undefined

  const put = (number: number, request: HealingRequest | undefined) => {
    const before = requests.get(number)
    if (before !== undefined) onlyOf(before)?.delete(before.job)
    if (request === undefined) requests.delete(number)
    else {
      requests.set(number, request)
      onlyOf(request)?.set(request.job, number)
    }
  }

  const problem = ({ from, to }: Transition): HealingStoreError | undefined => {
    const found = requests.get(to.number)?.state ?? null
    if (found !== from) return unexpectedState(to.id, from ?? "not there", found ?? "not there")
    const other = onlyOf(to)?.get(to.job)
    return other === undefined || other === to.number
      ? undefined
      : unexpectedState(to.id, `the only one that is ${to.state}`, "a second one")
  }

  return {
    check: undefined,
    location: "memory",
    backup: (path) =>
      new HealingStoreError({
        reason: "Unsupported",
        detail: `The backup ${path} cannot be written: the requests are kept in memory alone, by HealingStore.layerMemory`
      }),
    sizes: Effect.succeedNone,
    commit: (changes) =>
      Effect.suspend(() => {
        const undo: Array<() => void> = [suggestions.snapshot(), notices.snapshot()]
        const refuse = (error: HealingStoreError) => {
          for (const step of undo.reverse()) step()
          return Effect.fail(error)
        }
        for (const change of changes) {
          if (change._tag === "Terms") {
            suggestions.move(change.by)
            continue
          }
          if (change._tag === "Application") {
            suggestions.putApplication(change.application)
            continue
          }
          if (change._tag === "Stop") {
            suggestions.stop(change.stop)
            continue
          }
          if (change._tag === "Automatic") {
            suggestions.automatic.put(change.change)
            continue
          }
          if (change._tag === "Lock") {
            suggestions.automatic.lock(change.key, change.at)
            continue
          }
          if (change._tag === "Unlock") {
            suggestions.automatic.unlock(change.job)
            for (const step of change.steps) suggestions.addStep(step)
            continue
          }
          if (change._tag === "QueueState") {
            const before = queueState
            undo.push(() => {
              queueState = before
            })
            queueState = change.state
            continue
          }
          if (change._tag === "Occurrence") {
            const { job } = change.occurrence
            const before = occurrences.get(job) ?? []
            undo.push(() => occurrences.set(job, before))
            occurrences.set(job, [...before, change.occurrence])
            continue
          }
          if (change._tag === "Suggestion" || change._tag === "Watch") {
            const error = change._tag === "Watch" ? suggestions.watch(change.suggestion) : suggestions.write(change)
            if (error !== undefined) return refuse(error)
            continue
          }
          if (change._tag === "Watched") {
            const before = watched
            undo.push(() => {
              watched = before
            })
            const all = Array.from(new Map<string, number | null>([...watched, ...change.watched]))
            watched = new Map(all.flatMap(([job, at]) => (at === null ? [] : [[job, at] as const])))
            continue
          }
          if (change._tag === "Notice") {
            const error = notices.write(change.change)
            if (error !== undefined) return refuse(error)
            continue
          }
          const error = problem(change)
          if (error !== undefined) return refuse(error)
          const { to } = change
          const before = requests.get(to.number)
          undo.push(() => put(to.number, before))
          put(to.number, to)
          if (isTold(change)) notices.addFact(RequestLife.factOf(change.from, to))
        }
        for (const change of changes) {
          if (change._tag === "Transition") lastNumber = Math.max(lastNumber, change.to.number)
        }
        return Effect.void
      }),
    queueState: Effect.sync(() => queueState),
    lastNumber: Effect.sync(() => lastNumber),
    page: (state, from, limit) =>
      Effect.sync(() => {
        const found = all()
          .filter((request) => request.state === state && request.number >= from)
          .sort((a, b) => a.number - b.number)
        return { requests: found.slice(0, limit), setAside: [], next: found[limit]?.number }
      }),
    find: (number) => Effect.sync(() => Option.fromNullable(requests.get(number))),
    lastCompleted: (since, before) =>
      Effect.sync(() => {
        const last = new Map<string, number>()
        for (const { endedAt, job, state } of requests.values()) {
          if (state === "completed" && endedAt !== null && endedAt > since && endedAt < before) {
            last.set(job, Math.max(endedAt, last.get(job) ?? endedAt))
          }
        }
        return last
      }),
    automaticStarts: (since, before, limit) =>
      Effect.sync(() =>
        all()
          .filter(isAutomatic)
          .flatMap(({ starts }) => starts)
          .filter((at) => at > since && at < before)
          .sort((a, b) => b - a)
          .slice(0, limit)
      ),
    history: ({ before, job, limit, states }) =>
      Effect.sync(() =>
        all()
          .flatMap((request) => (request.endedAt === null ? [] : [{ request, at: request.endedAt }]))
          .filter(({ request }) => states.includes(request.state) && (job === undefined || request.job === job))
          .filter(
            ({ at, request }) =>
              before === undefined || at < before.endedAt || (at === before.endedAt && request.number < before.number)
          )
          .sort((a, b) => b.at - a.at || b.request.number - a.request.number)
          .slice(0, limit)
          .map(({ request }) => request)
      ),
    prune: (endedBefore, limit) =>
      Effect.sync(() => {
        const old = all()
          .filter(({ endedAt, number }) => endedAt !== null && endedAt < endedBefore && number < lastNumber)
          .sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0))
          .slice(0, limit)
        for (const { number } of old) put(number, undefined)
        let removed = old.length
        // But for the last one of each job, from which its schedule goes on.
        for (const [job, ofJob] of occurrences) {
          const kept = ofJob.filter(({ at }, index) => at >= endedBefore || index === ofJob.length - 1)
          removed += ofJob.length - kept.length
          occurrences.set(job, kept)
        }
        return removed
      }),
    watched: Effect.sync(() => watched),
    suggestions: suggestions.journal,
    notices: notices.journal,
    lastOccurrences: Effect.sync(() => Array.from(occurrences.values()).flatMap((ofJob) => ofJob.slice(-1))),
    occurrences: (job, limit) => Effect.sync(() => (occurrences.get(job) ?? []).toReversed().slice(0, limit)),
    explained: (job, signature) =>
      Effect.sync(() =>
        Array.from(requests.values()).some(
          (request) => request.job === job && request.signatures.includes(signature) && request.state === "completed"
        )
      )
  }
}
