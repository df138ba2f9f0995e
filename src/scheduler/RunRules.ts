/**
 * Holds the runs of jobs to what their policies want of them beyond exit codes: a dead-man's switch, how long they take, what they print.
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
import * as RunRule from "../policy/RunRule.js"
import type { ForScheduler } from "../queue/ForScheduler.js"
import type { LogMark } from "../request/HealingSuggestion.js"
import type { Journal } from "../store/Journal.js"
import { Evidence, EvidenceScope } from "../supervisor/Evidence.js"
import { listenToRuns } from "../supervisor/ListeningToRuns.js"
import type { JobEvent, RunEvent, Supervisor } from "../supervisor/Supervisor.js"
import type { KnownJobs } from "./KnownJobs.js"
import * as LogMarks from "./LogMarks.js"

/** Runs that are told faster than they are looked at. */
const MAX_EVENTS = 1024

/** Runs of one job at a time. */
const MAX_RUNS = 1000

/** How much is read of what a run has printed into one log, in bytes. */
const MAX_OUTPUT = 256 * 1024

/** How long a supervisor may take to tell where the logs are. */
const PATIENCE = Duration.seconds(10)

/** Between two looks longer than this apart, nobody has watched all the time: the process was down, or the machine slept. */
const MAX_BETWEEN = Duration.toMillis("2 minutes")

/** Under this name stands for how long it was watched in all. */
const IN_ALL = ""

type Started = Extract<RunEvent, { readonly _tag: "Started" }>

type Ended = Extract<RunEvent, { readonly _tag: "Ended" }>

const inWords = Duration.format

/** @internal */
export interface RunRulesOptions {
  readonly accept: (event: JobEvent) => void
  readonly known: KnownJobs
  readonly store: Pick<Journal, "watched">
  readonly supervisor: Context.Tag.Service<Supervisor>
  readonly writeWatched: ForScheduler["writeWatched"]
  /** By the steady clock, in milliseconds. */
  readonly now: () => number
  readonly wall: () => number
}

/**
 * It listens for as long as the scope is open.
 *
 * - `look`: done whenever the supervisor has told its jobs, which is each minute: what lies between two of these was watched.
 *
 * Longer than a screen, since it is one loop over what is told of runs, and the few maps that it needs.
 *
 * @internal
 */
export const make = ({
  accept,
  known,
  now,
  store,
  supervisor,
  wall,
  writeWatched
}: RunRulesOptions): Effect.Effect<
  { readonly look: Effect.Effect<void> },
  HealingStoreError,
  FileSystem | Scope.Scope
> =>
  Effect.gen(function* () {
    const fileSystem = yield* FileSystem
    /** For how long each job was watched by the time of its last run; what was written of it. */
    const lastRun = new Map(yield* store.watched)
    let inAll = lastRun.get(IN_ALL) ?? 0
    lastRun.delete(IN_ALL)
    /** What is to be written. */
    const changed = new Map<string, number | null>()
    let lookedAt: number | undefined
    /** The runs that are on, by their jobs, and since when. */
    const running = new Map<string, Map<string, number>>()
    /** Jobs of which the last run was one that never ends by itself. */
    const alwaysUp = new Set<string>()
    /** Jobs of which it was told that they have missed a run. */
    const missed = new Set<string>()
    /** How long the logs of jobs were at the end of their last runs. */
    const marks = new Map<string, ReadonlyArray<LogMark>>()
    const timers = yield* FiberMap.make<string>()
    const inbox = yield* Mailbox.make<RunEvent>({ capacity: MAX_EVENTS, strategy: "sliding" })

    const tell = (job: string, trigger: RunRule.RunTrigger, runId: string | null, what: string) =>
      Effect.sync(() => accept({ job, trigger, runId, lastError: what }))

    /** Whether the job has a run, from now on or until now. */
    const ran = (job: string) => {
      missed.delete(job)
      if (known.of(job)?.expectedEvery === undefined) return
      lastRun.set(job, inAll)
      changed.set(job, inAll)
    }

    const evidenceOf = (job: string, runId: string | null): Effect.Effect<Evidence | undefined> => {
      const info = known.info(job)
      if (info === undefined) return NOTHING
      return Effect.suspend(() => supervisor.evidence(info, EvidenceScope.Failure({ runId, limit: 1 }))).pipe(
        Effect.filterOrFail(Schema.is(Evidence)),
        Effect.disconnect,
        Effect.timeout(PATIENCE),
        Effect.catchAllCause(() => NOTHING)
      )
    }

    const markLogs = (job: string, evidence: Evidence | undefined) =>
      evidence === undefined
        ? Effect.sync(() => marks.delete(job))
        : Effect.map(LogMarks.marksOf(evidence), (found) => marks.set(job, found))

    /** While it still runs. */
    const time = (job: string, runId: string, since: number): Effect.Effect<void> => {
      const longest = known.of(job)?.maxDuration
      if (longest === undefined || alwaysUp.has(job)) return Effect.void
      const left = Duration.millis(Math.max(0, Duration.toMillis(longest) - Math.max(0, wall() - since)))
      const isOn = Effect.suspend(() =>
        running.get(job)?.get(runId) === since
          ? tell(job, "too_long", runId, `it runs for more than ${inWords(longest)}`)
          : Effect.void
      )
      return Effect.asVoid(FiberMap.run(timers, `${runId} ${job}`, Effect.delay(isOn, left), { onlyIfMissing: true }))
    }

    const started = ({ alwaysUp: isAlwaysUp, at, job, runId }: Started) =>
      Effect.gen(function* () {
        ran(job)
        if (isAlwaysUp) alwaysUp.add(job)
        else alwaysUp.delete(job)
        const id = runId ?? ""
        const ofJob = running.get(job) ?? new Map<string, number>()
        // Who listens anew is told again what runs.
        if (ofJob.has(id) || ofJob.size >= MAX_RUNS) return
        const since = at ?? wall()
        running.set(job, ofJob.set(id, since))
        yield* time(job, id, since)
        if (!isAlwaysUp && known.of(job)?.output !== undefined && !marks.has(job) && ofJob.size === 1)
          yield* markLogs(job, yield* evidenceOf(job, runId))
      })

    const lasted = ({ at, job, runId, startedAt }: Ended) => {
      const shortest = known.of(job)?.minDuration
      if (shortest === undefined || at === null || startedAt === null) return Effect.void
      return at - startedAt < Duration.toMillis(shortest)
        ? tell(job, "too_short", runId, `it has ended well within less than ${inWords(shortest)}`)
        : Effect.void
    }

    /** What it has printed since the last run of its job. What runs beside others cannot be told from those. */
    const printed = ({ job, outcome, runId }: Ended, isAlone: boolean) =>
      Effect.gen(function* () {
        const rule = known.of(job)?.output
        if (rule === undefined) return
        const before = marks.get(job)
        const evidence = yield* evidenceOf(job, runId)
        yield* markLogs(job, evidence)
        if (evidence === undefined || before === undefined || !isAlone || outcome !== "succeeded") return
        const texts = yield* Effect.forEach(evidence.logs, (log) => LogMarks.endSince(log, before, MAX_OUTPUT + 1))
        const isWhole = texts.every((text) => Buffer.byteLength(text) <= MAX_OUTPUT)
        const lines = texts.flatMap((text) => text.split(/\r?\n/))
        const problem = RunRule.problemOf(rule, lines, isWhole)
        if (problem !== undefined) yield* tell(job, "bad_output", runId, problem)
      })

    const ended = (event: Ended) =>
      Effect.gen(function* () {
        const { job, outcome, runId } = event
        const id = runId ?? ""
        const ofJob = running.get(job)
        const wasSeen = ofJob?.delete(id) === true
        const isAlone = wasSeen && ofJob?.size === 0
        if (ofJob?.size === 0) running.delete(job)
        yield* FiberMap.remove(timers, `${id} ${job}`)
        ran(job)
        if (alwaysUp.has(job)) return
        if (outcome === "succeeded") yield* lasted(event)
        yield* printed(event, isAlone)
      })

    /** What has not run for too long. */
    const lookForMissed = Effect.gen(function* () {
      for (const [job, every] of known.expected) {
        const last = lastRun.get(job)
        if (last === undefined || running.has(job)) {
          // It counts from when it is first seen.
          ran(job)
          continue
        }
        if (missed.has(job) || inAll - last < Duration.toMillis(every)) continue
        missed.add(job)
        yield* tell(job, "missed_run", null, `it has not run for ${inWords(every)}`)
      }
      for (const job of lastRun.keys()) {
        if (known.expected.has(job) || !known.has(job)) continue
        lastRun.delete(job)
        changed.set(job, null)
      }
    })

    const look = Effect.gen(function* () {
      const at = now()
      const between = lookedAt === undefined ? 0 : at - lookedAt
      lookedAt = at
      if (between <= MAX_BETWEEN) inAll += Math.round(between)
      for (const [job, ofJob] of running) for (const [runId, since] of ofJob) yield* time(job, runId, since)
      yield* lookForMissed
      if (known.expected.size === 0 && changed.size === 0) return
      changed.set(IN_ALL, inAll)
      const written = new Map(changed)
      changed.clear()
      // What could not be written is written the next time, unless it is another by then.
      yield* Effect.catchAll(writeWatched(written), () =>
        Effect.sync(() => {
          for (const [job, watched] of written) if (!changed.has(job)) changed.set(job, watched)
        })
      )
    })

    yield* Effect.forkScoped(listenToRuns(supervisor, (event) => Effect.asVoid(inbox.offer(event))))
    yield* Mailbox.toStream(inbox).pipe(
      Stream.runForEach((event) => (event._tag === "Started" ? started(event) : ended(event))),
      Effect.provideService(FileSystem, fileSystem),
      Effect.forkScoped
    )
    return { look }
  })

const NOTHING: Effect.Effect<Evidence | undefined> = Effect.sync(() => undefined)
