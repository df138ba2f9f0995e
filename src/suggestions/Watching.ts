/**
 * Judges the changes that were made by the runs after them (R21).
 *
 * @internal
 */
import { basename, dirname } from "node:path"
import { FileSystem } from "@effect/platform/FileSystem"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Mailbox from "effect/Mailbox"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type HealingStoreError, isForGood } from "../HealingError.js"
import { count } from "../internal/Plural.js"
import { realPath } from "../internal/RealPath.js"
import * as SafeLog from "../internal/SafeLog.js"
import { isRunTrigger } from "../policy/RunRule.js"
import type { ForSuggestions } from "../queue/ForSuggestions.js"
import type { HealingSuggestion, Watch } from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import * as FailureSignature from "../scheduler/FailureSignature.js"
import { forNotices, type HasForNotices } from "../scheduler/ForNotices.js"
import * as LogMarks from "../scheduler/LogMarks.js"
import type { SuggestionSettings } from "../settings/HealingConfig.js"
import { watch as watchChange } from "../store/Change.js"
import type { SuggestionJournal } from "../store/SuggestionJournal.js"
import type { Evidence } from "../supervisor/Evidence.js"
import { listen } from "../supervisor/Listening.js"
import { listenToRuns } from "../supervisor/ListeningToRuns.js"
import type { JobEvent, RunEvent, Supervisor } from "../supervisor/Supervisor.js"
import { hashOf } from "../text/Excerpt.js"
import { MAX_FILE } from "./Examining.js"
import { isRunning, ofFailure } from "./JobEvidence.js"
import type { JobLocks } from "./JobLocks.js"
import { openFile, openFolder } from "./OpenFolder.js"
import type { Steps } from "./Steps.js"
import type { SuggestionEvent } from "./SuggestionEvent.js"

/** Of one job, or of all at the start. More are not watched at a time. */
const MAX_WATCHED = 1000

/** Runs that are told faster than they are judged. */
const MAX_EVENTS = 1024

/** Runs of which it is remembered that they have broken an SLA. */
const MAX_BREACHED = 1000

type Started = Extract<RunEvent, { readonly _tag: "Started" }>

type Ended = Extract<RunEvent, { readonly _tag: "Ended" }>

type Told =
  | RunEvent
  | { readonly _tag: "Breached"; readonly job: string; readonly runId: string | null }
  | { readonly _tag: "Applied"; readonly suggestion: HealingSuggestion }

/**
 * Watches for as long as the scope is open.
 *
 * - `events`: what happens to suggestions.
 * - `marksOf`: how long the logs of a job are now.
 * - `scheduler`: that tells of runs which were not as their policies want them.
 *
 * Longer than a screen, since it is one loop over what is told of runs, and the few maps that it needs.
 *
 * @internal
 */
export const make = ({
  events,
  lock,
  marksOf,
  record,
  scheduler,
  settings,
  steps,
  store,
  supervisor,
  wall
}: Pick<ForSuggestions, "record" | "wall"> & {
  readonly events: Stream.Stream<SuggestionEvent>
  readonly lock: JobLocks["lock"]
  readonly marksOf: (job: string) => Effect.Effect<Watch["logs"]>
  readonly scheduler: Option.Option<Partial<HasForNotices>>
  readonly settings: SuggestionSettings
  readonly steps: Pick<Steps, "record">
  readonly store: SuggestionJournal
  readonly supervisor: Context.Tag.Service<Supervisor>
}): Effect.Effect<void, HealingStoreError, FileSystem | Scope.Scope> =>
  Effect.gen(function* () {
    const fileSystem = yield* FileSystem
    const found = yield* store.list({ states: ["applied"], limit: MAX_WATCHED })
    /** Jobs with a change that is watched, or was. */
    const jobs = new Set(found.map(({ job }) => job))
    /** The runs of jobs that are always up, and since when. */
    const up = new Map<string, Map<string, number>>()
    const breached = new Set<string>()
    /** The run of each job that was told last. */
    const latest = new Map<string, string>()
    const timers = yield* FiberMap.make<string>()
    const inbox = yield* Mailbox.make<Told>({ capacity: MAX_EVENTS, strategy: "sliding" })

    /** The changes that were made before a run of the job has begun. */
    const watchedBy = (job: string, startedAt: number | null) =>
      Effect.map(store.list({ job, states: ["applied"], limit: MAX_WATCHED }), (all) => {
        if (all.length === 0) jobs.delete(job)
        return all.filter(({ watch }) => watch !== null && startedAt !== null && startedAt >= watch.since)
      })

    /** A run says something about a change only as long as that stands in its file. */
    const judgeAll = (judged: ReadonlyArray<Judged>) =>
      Effect.gen(function* () {
        // All of them before the first one is told of: what has relapsed may be taken back at once, and the one below it stands there again.
        const inForce = yield* Effect.forEach(judged, ({ applied }) => standsInFile(applied))
        for (const [index, { applied, ...found }] of judged.entries()) {
          const { verdict, why } = inForce[index] === true ? found : CHANGED
          const at = wall()
          // In the same commit: nothing is applied to its job by a rule from then on.
          const locks = verdict === "relapsed" && SuggestionLife.isAppliedByRule(applied) ? [lock(applied, at)] : []
          // It is kept until it is written.
          yield* Effect.ignore(steps.record([[applied, SuggestionLife.judge(applied, verdict, at, why)]], locks))
          if (verdict !== "confirmed") yield* SafeLog.warn(`The suggestion ${applied.id} is ${verdict}: ${why}`)
        }
      })

    const remember = (applied: HealingSuggestion, now: Partial<Watch>) =>
      applied.watch === null
        ? Effect.void
        : Effect.ignore(record([watchChange({ ...applied, watch: { ...applied.watch, ...now } })]))

    /** It was found to be applied, or a crash has come in between: what its logs say by now is not of the runs after it. */
    const mark = (suggestion: HealingSuggestion) =>
      Effect.gen(function* () {
        const applied = Option.getOrUndefined(yield* store.find(suggestion))
        if (applied?.state !== "applied" || applied.watch?.logs !== null) return
        yield* remember(applied, { logs: yield* marksOf(applied.job) })
      })

    /** It still is up, as its supervisor says as well, and so is no run from before the change. */
    const stayedUp = (job: string, runId: string, since: number) =>
      Effect.gen(function* () {
        if (up.get(job)?.get(runId) !== since || !(yield* isRunning(supervisor, job, runId))) return
        const oldest = Math.min(...Array.from(up.get(job)?.values() ?? []))
        const why = `the job has stayed up for ${Duration.format(settings.upFor)}`
        const watched = yield* watchedBy(job, oldest)
        yield* judgeAll(watched.map((applied) => ({ applied, verdict: "confirmed", why })))
      })

    /** From when it is first seen, whatever the clock has done before. */
    const time = (job: string, runId: string, since: number) =>
      FiberMap.run(timers, `${runId} ${job}`, Effect.delay(tried(stayedUp(job, runId, since)), settings.upFor))

    const started = ({ alwaysUp, at, job, runId }: Started) =>
      Effect.suspend(() => {
        if (!alwaysUp || at === null || runId === null) return Effect.void
        const ofJob = up.get(job) ?? new Map<string, number>()
        // Who listens anew is told again what runs.
        if (ofJob.get(runId) === at) return Effect.void
        up.set(job, ofJob.set(runId, at))
        return Effect.asVoid(time(job, runId, at))
      })

    const good = ({ job, runId, startedAt }: Ended) =>
      Effect.gen(function* () {
        const id = runId ?? `since ${startedAt}`
        if (breached.has(`${id} ${job}`)) return
        const watched = yield* watchedBy(job, startedAt)
        if (watched.length === 0) return
        const logs = yield* marksOf(job)
        for (const applied of watched) {
          const before = applied.watch?.good ?? []
          if (before.includes(id)) continue
          const all = [...before, id]
          if (all.length >= settings.goodRuns) {
            yield* judgeAll([{ applied, verdict: "confirmed", why: count(all.length, "good run") }])
            continue
          }
          // What it has printed tells nothing of the next run.
          yield* remember(applied, { good: all, ...(logs !== null && { logs }) })
        }
      })

    const failed = (ended: Ended) =>
      Effect.gen(function* () {
        // Of one that ended while nobody looked, it is not known when it began.
        const watched = yield* watchedBy(ended.job, ended.startedAt ?? ended.at ?? wall())
        if (watched.length === 0) return
        const evidence = ended.startedAt === null ? null : yield* ofFailure(supervisor, ended.job, ended.runId)
        const run = ended.runId === null ? "a run" : `the run ${ended.runId}`
        const judged = yield* Effect.forEach(watched, (applied) =>
          Effect.gen(function* () {
            const cause = evidence === null ? null : yield* causeOf(ended, evidence, applied.watch?.logs ?? null)
            if (cause === null) return inconclusive(applied, `${run} has failed, of which it cannot be told why`)
            const isSame = applied.signatures.map(FailureSignature.causeOf).includes(cause)
            return isSame
              ? ({
                  applied,
                  verdict: "relapsed",
                  why: `${run} has failed for the cause that the review was about`
                } as const)
              : inconclusive(applied, `${run} has failed, for another cause than those that the review was about`)
          })
        )
        yield* judgeAll(judged)
      })

    /** Of this failure: what the logs got since. As long as that is not known, they tell nothing. */
    const causeOf = (ended: Ended, evidence: Evidence, since: Watch["logs"]) =>
      Effect.gen(function* () {
        const marks = since ?? (yield* LogMarks.marksOf(evidence))
        const signature = yield* FailureSignature.make(ended, evidence, marks)
        return signature === null ? null : FailureSignature.causeOf(signature)
      }).pipe(Effect.provideService(FileSystem, fileSystem))

    /** A run that was taken for a good one may be told of afterwards. */
    const broke = ({ job, ...told }: Extract<Told, { readonly _tag: "Breached" }>) =>
      Effect.gen(function* () {
        const runId = told.runId ?? latest.get(job)
        if (runId === undefined) return
        breached.add(`${runId} ${job}`)
        const since = up.get(job)?.get(runId)
        if (since !== undefined) yield* time(job, runId, since)
        for (const one of breached) {
          if (breached.size <= MAX_BREACHED) break
          breached.delete(one)
        }
        if (!jobs.has(job)) return
        for (const applied of yield* store.list({ job, states: ["applied"], limit: MAX_WATCHED })) {
          const before = applied.watch?.good ?? []
          if (before.includes(runId)) yield* remember(applied, { good: before.filter((one) => one !== runId) })
        }
      })

    const ended = (event: Ended) =>
      Effect.gen(function* () {
        const { job, outcome, runId } = event
        const ofJob = up.get(job)
        // One that is always up has no good end.
        const wasUp = runId !== null && ofJob?.delete(runId) === true
        if (ofJob?.size === 0) up.delete(job)
        yield* FiberMap.remove(timers, `${runId} ${job}`)
        if (!jobs.has(job)) return
        if (outcome === "failed") yield* failed(event)
        else if (outcome === "succeeded" && !wasUp) yield* good(event)
      })

    const hear = (told: Told) => {
      if (told._tag === "Breached") return broke(told)
      if (told._tag === "Applied") return mark(told.suggestion)
      if (told.runId !== null) remembered(latest, told.job, told.runId)
      return told._tag === "Started" ? started(told) : ended(told)
    }

    yield* Effect.forkScoped(
      Stream.runForEach(events, ({ _tag, suggestion }) => {
        if (_tag !== "Applied") return Effect.void
        jobs.add(suggestion.job)
        return suggestion.watch?.logs === null ? inbox.offer({ _tag, suggestion }) : Effect.void
      })
    )
    for (const suggestion of found) {
      if (suggestion.watch?.logs === null) yield* inbox.offer({ _tag: "Applied", suggestion })
    }
    yield* Effect.forkScoped(listenToRuns(supervisor, (event) => Effect.asVoid(inbox.offer(event))))
    yield* Effect.forkScoped(
      listen(supervisor.events, {
        each: ({ job, runId, trigger }: JobEvent) =>
          trigger === "sla_breach" ? Effect.asVoid(inbox.offer({ _tag: "Breached", job, runId })) : Effect.void,
        broke: () => Effect.void
      })
    )
    if (Option.isSome(scheduler)) {
      scheduler.value[forNotices]?.onHappened(({ event: { job, runId, trigger } }) =>
        isRunTrigger(trigger) && runId !== null
          ? Effect.asVoid(inbox.offer({ _tag: "Breached", job, runId }))
          : Effect.void
      )
    }
    yield* Effect.forkScoped(Stream.runForEach(Mailbox.toStream(inbox), (told) => tried(hear(told))))
    yield* Effect.yieldNow()
  })

/** What a run says about a change, and why. */
interface Judged {
  readonly applied: HealingSuggestion
  readonly verdict: SuggestionLife.Verdict
  readonly why: string
}

const inconclusive = (applied: HealingSuggestion, why: string): Judged => ({ applied, verdict: "inconclusive", why })

const CHANGED = {
  verdict: "inconclusive",
  why: "its file was changed by somebody else since it was applied"
} as const

/** Jobs of which it is remembered which run was told last. */
const MAX_LATEST = 10_000

const remembered = (latest: Map<string, string>, job: string, runId: string): void => {
  latest.delete(job)
  latest.set(job, runId)
  for (const oldest of latest.keys()) {
    if (latest.size <= MAX_LATEST) break
    latest.delete(oldest)
  }
}

/** Until a store that fails can be read again. */
const PAUSE = Duration.seconds(10)

/**
 * What could not be read is read again; what could not be written is kept until it is, by the queue, which says in the log that its store
 * fails. Who was judged or taken back meanwhile is left alone.
 */
const tried = (doing: Effect.Effect<void, HealingStoreError>): Effect.Effect<void> =>
  Effect.uninterruptible(doing).pipe(
    Effect.retry({
      schedule: Schedule.spaced(PAUSE),
      while: (error) => !isForGood(error) && !["UnexpectedState", "Closed"].includes(error.reason)
    }),
    Effect.catchAll(() => Effect.void)
  )

/** Whether the file still is what the suggestion proposes. Advice stands in none. */
const standsInFile = ({ approval, suggestion }: HealingSuggestion): Effect.Effect<boolean> => {
  const { proposedContent, targetFile } = suggestion
  if (proposedContent === null || targetFile === null) return Effect.succeed(true)
  const path = approval?.path ?? realPath(targetFile)
  return openFolder(dirname(path)).pipe(
    Effect.flatMap((folder) => openFile(folder, basename(path), MAX_FILE)),
    Effect.map((file) => file !== undefined && hashOf(file.bytes) === hashOf(proposedContent)),
    Effect.scoped,
    Effect.orElseSucceed(() => false)
  )
}
