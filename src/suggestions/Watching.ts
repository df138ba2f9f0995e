/**
 * Judges the changes that were made by the runs after them (R21).
 *
 * @internal
 */
import { FileSystem } from "@effect/platform/FileSystem"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Mailbox from "effect/Mailbox"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { HealingStoreError } from "../HealingError.js"
import { count } from "../internal/Plural.js"
import * as SafeLog from "../internal/SafeLog.js"
import type { ForSuggestions } from "../queue/ForSuggestions.js"
import type { HealingSuggestion } from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import * as FailureSignature from "../scheduler/FailureSignature.js"
import type { SuggestionSettings } from "../settings/HealingConfig.js"
import { watch as watchChange } from "../store/Change.js"
import type { SuggestionJournal } from "../store/SuggestionJournal.js"
import { Evidence, EvidenceScope } from "../supervisor/Evidence.js"
import { listen } from "../supervisor/Listening.js"
import { type JobEvent, RunEvent, type Supervisor } from "../supervisor/Supervisor.js"
import type { Steps } from "./Steps.js"
import type { SuggestionEvent } from "./SuggestionEvent.js"

/** Of one job, or of all at the start. More are not watched at a time. */
const MAX_WATCHED = 1000

/** Runs that are told faster than they are judged. */
const MAX_EVENTS = 1024

/** Runs of which it is remembered that they have broken an SLA. */
const MAX_BREACHED = 1000

/** How long a supervisor may take to tell about a failure. */
const EVIDENCE_TIMEOUT = Duration.seconds(10)

type Started = Extract<RunEvent, { readonly _tag: "Started" }>

type Ended = Extract<RunEvent, { readonly _tag: "Ended" }>

type Told = RunEvent | { readonly _tag: "Breached"; readonly job: string; readonly runId: string }

/**
 * Watches for as long as the scope is open.
 *
 * - `events`: what happens to suggestions.
 *
 * Longer than a screen, since it is one loop over what is told of runs, and the few maps that it needs.
 *
 * @internal
 */
export const make = ({
  events,
  settings,
  steps,
  store,
  supervisor,
  wall,
  write
}: Pick<ForSuggestions, "wall" | "write"> & {
  readonly events: Stream.Stream<SuggestionEvent>
  readonly settings: SuggestionSettings
  readonly steps: Pick<Steps, "take">
  readonly store: SuggestionJournal
  readonly supervisor: Context.Tag.Service<Supervisor>
}): Effect.Effect<void, HealingStoreError, FileSystem | Scope.Scope> =>
  Effect.gen(function* () {
    const fileSystem = yield* FileSystem
    const upFor = Duration.toMillis(settings.upFor)
    /** Jobs with a change that is watched, or was. */
    const jobs = new Set((yield* store.list({ states: ["applied"], limit: MAX_WATCHED })).map(({ job }) => job))
    /** The runs of jobs that are always up, and since when. */
    const up = new Map<string, Map<string, number>>()
    const breached = new Set<string>()
    const timers = yield* FiberMap.make<string>()
    const inbox = yield* Mailbox.make<Told>({ capacity: MAX_EVENTS, strategy: "sliding" })

    /** The changes that were made before a run of the job has begun. */
    const watchedBy = (job: string, startedAt: number | null) =>
      Effect.map(store.list({ job, states: ["applied"], limit: MAX_WATCHED }), (all) => {
        if (all.length === 0) jobs.delete(job)
        return all.filter(({ watch }) => watch !== null && startedAt !== null && startedAt >= watch.since)
      })

    const judge = (applied: HealingSuggestion, verdict: SuggestionLife.Verdict, reason: string) =>
      steps
        .take([[applied, SuggestionLife.judge(applied, verdict, wall(), reason)]])
        .pipe(
          Effect.zipRight(
            verdict === "confirmed"
              ? Effect.void
              : SafeLog.warn(`The suggestion ${applied.id} is ${verdict}: ${reason}: ${applied.suggestion.title}`)
          )
        )

    const remember = (applied: HealingSuggestion, good: ReadonlyArray<string>) =>
      applied.watch === null
        ? Effect.void
        : write(() => [watchChange({ ...applied, watch: { since: applied.watch?.since ?? 0, good } })])

    /** It still is up. */
    const stayedUp = (job: string, runId: string, since: number) =>
      Effect.gen(function* () {
        if (up.get(job)?.get(runId) !== since) return
        for (const applied of yield* watchedBy(job, since)) {
          yield* judge(applied, "confirmed", `the job has stayed up for ${Duration.format(settings.upFor)}`)
        }
      })

    const started = ({ alwaysUp, at, job, runId }: Started) =>
      Effect.suspend(() => {
        if (!alwaysUp || at === null || runId === null) return Effect.void
        const ofJob = up.get(job) ?? new Map<string, number>()
        up.set(job, ofJob.set(runId, at))
        const left = Math.max(0, at + upFor - wall())
        const timer = Effect.delay(tried(stayedUp(job, runId, at)), Duration.millis(left))
        return Effect.asVoid(FiberMap.run(timers, `${runId} ${job}`, timer))
      })

    const good = ({ job, runId, startedAt }: Ended) =>
      Effect.gen(function* () {
        const id = runId ?? `since ${startedAt}`
        if (breached.has(`${id} ${job}`)) return
        for (const applied of yield* watchedBy(job, startedAt)) {
          const before = applied.watch?.good ?? []
          if (before.includes(id)) continue
          const all = [...before, id]
          if (all.length >= settings.goodRuns) yield* judge(applied, "confirmed", count(all.length, "good run"))
          else yield* remember(applied, all)
        }
      })

    const failed = (ended: Ended) =>
      Effect.gen(function* () {
        const watched = yield* watchedBy(ended.job, ended.startedAt)
        if (watched.length === 0) return
        const signature = yield* Effect.provideService(signatureOf(supervisor, ended), FileSystem, fileSystem)
        const cause = signature === null ? null : FailureSignature.causeOf(signature)
        const run = ended.runId === null ? "a run" : `the run ${ended.runId}`
        for (const applied of watched) {
          const causes = applied.signatures.map(FailureSignature.causeOf)
          if (cause !== null && causes.includes(cause)) {
            yield* judge(applied, "relapsed", `${run} has failed for the cause that the review was about`)
          } else {
            const why =
              cause === null
                ? "of which it cannot be told why"
                : "for another cause than those that the review was about"
            yield* judge(applied, "inconclusive", `${run} has failed, ${why}`)
          }
        }
      })

    /** A run that was taken for a good one may be told of afterwards. */
    const broke = ({ job, runId }: Extract<Told, { readonly _tag: "Breached" }>) =>
      Effect.gen(function* () {
        breached.add(`${runId} ${job}`)
        for (const one of breached) {
          if (breached.size <= MAX_BREACHED) break
          breached.delete(one)
        }
        if (!jobs.has(job)) return
        for (const applied of yield* store.list({ job, states: ["applied"], limit: MAX_WATCHED })) {
          const before = applied.watch?.good ?? []
          if (before.includes(runId))
            yield* remember(
              applied,
              before.filter((one) => one !== runId)
            )
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
      return told._tag === "Started" ? started(told) : ended(told)
    }

    const isRunEvent = Schema.is(RunEvent)
    yield* Effect.forkScoped(
      Stream.runForEach(events, (event) =>
        Effect.sync(() => {
          if (event._tag === "Applied") jobs.add(event.suggestion.job)
        })
      )
    )
    yield* Effect.forkScoped(
      listen(supervisor.runs, {
        each: (event) => (isRunEvent(event) ? Effect.asVoid(inbox.offer(event)) : Effect.void),
        broke: () => Effect.void
      })
    )
    yield* Effect.forkScoped(
      listen(supervisor.events, {
        each: ({ job, runId, trigger }: JobEvent) =>
          trigger === "sla_breach" && runId !== null
            ? Effect.asVoid(inbox.offer({ _tag: "Breached", job, runId }))
            : Effect.void,
        broke: () => Effect.void
      })
    )
    yield* Effect.forkScoped(Stream.runForEach(Mailbox.toStream(inbox), (told) => tried(hear(told))))
    yield* Effect.yieldNow()
  })

/** Who was judged or taken back meanwhile is left alone; the queue says in the log that its store fails. */
const tried = <E extends { readonly _tag: string }>(doing: Effect.Effect<void, E>): Effect.Effect<void> =>
  Effect.uninterruptible(Effect.catchAll(doing, () => Effect.void))

/** `null` if it cannot be told, or not soon. */
const signatureOf = (
  supervisor: Context.Tag.Service<Supervisor>,
  { exitCode, job, lastError, runId }: Ended
): Effect.Effect<string | null, never, FileSystem> =>
  Effect.gen(function* () {
    const info = (yield* supervisor.jobs).find(({ id }) => id === job)
    if (info === undefined) return null
    const evidence = yield* supervisor.evidence(info, EvidenceScope.Failure({ runId, limit: 1 }))
    if (!Schema.is(Evidence)(evidence)) return null
    return yield* FailureSignature.make({ runId, exitCode, lastError }, evidence)
  }).pipe(
    Effect.disconnect,
    Effect.timeout(EVIDENCE_TIMEOUT),
    Effect.catchAllCause(() => Effect.succeed(null)),
    Effect.interruptible
  )
