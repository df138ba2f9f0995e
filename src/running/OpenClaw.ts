/**
 * The running state: which OpenClaw jobs run now. Jobs report to it, healings wait on it.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Subscribable from "effect/Subscribable"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as Clocks from "../internal/Clocks.js"
import { HealingConfig } from "../settings/HealingConfig.js"
import { type ForGate, forGate, type HasForGate } from "./ForGate.js"
import * as InsideMark from "./InsideMark.js"
import type { JobId, RunningState, UnknownSource } from "./RunningState.js"

export type { JobId, RunningJob, RunningState, UnknownSource } from "./RunningState.js"

/**
 * A reporter of its own, such as the adapter of a supervisor. It is unknown, and thereby busy, from its making until
 * its first `replace` (R16).
 *
 * - `started`, `finished`: an instance of the job has started, has finished. A `finished` without its `started` is
 *   ignored, with a warning.
 * - `replace`: this, and nothing else, runs according to this source; a job named twice runs twice. The source is known
 *   from then on.
 * - `unknown`: the source has lost sight of its jobs; it is unknown until the next `replace`. Of `reason` the first 200
 *   characters are kept.
 *
 * @since 0.1.0
 * @category models
 */
export interface Source {
  readonly started: (job: JobId) => Effect.Effect<void>
  readonly finished: (job: JobId) => Effect.Effect<void>
  readonly replace: (jobs: Iterable<JobId>) => Effect.Effect<void>
  readonly unknown: (reason: string) => Effect.Effect<void>
}

/**
 * Which OpenClaw jobs run now.
 *
 * Reports are counted for each source, and the running state is the union of all of them. A report is never in the way
 * of a healing nor waits for one (R3), cannot be interrupted half-way, and costs the same however many healings wait.
 * Every report goes to the configured queue unless it names another, which is made on first use and kept.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { OpenClaw } from "effect-healing"
 *
 * const nightlyDigest = Effect.gen(function* () {
 *   const openClaw = yield* OpenClaw
 *   yield* Effect.log("digesting").pipe(openClaw.withJob("nightly-digest"))
 * })
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class OpenClaw extends Context.Tag("effect-healing/OpenClaw")<
  OpenClaw,
  {
    /**
     * The running state of the configured queue. A subscriber first gets the present state, and under load the latest
     * one instead of each.
     */
    readonly running: Subscribable.Subscribable<RunningState>
    /** The running state of another queue. */
    readonly runningIn: (queue: string) => Subscribable.Subscribable<RunningState>
    /** An instance of the job has started. */
    readonly started: (job: JobId, queue?: string) => Effect.Effect<void>
    /** An instance of the job has finished. One that was never started is ignored, with a warning. */
    readonly finished: (job: JobId, queue?: string) => Effect.Effect<void>
    /** Reports `started` before the effect and `finished` after it, whatever happens. */
    readonly withJob: (
      job: JobId,
      queue?: string
    ) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /**
     * A reporter of its own, for as long as the scope is open. When the scope is closed with a success, the source is
     * gone and its jobs with it. When it is closed in any other way, an interruption included, the adapter broke: the
     * source stays unknown until another of the same name takes its place (R16). So give it a name that stays the same.
     */
    readonly source: (name: string, queue?: string) => Effect.Effect<Source, never, Scope.Scope>
  } & HasForGate
>() {
  /**
   * Nothing runs at first, and nobody is unknown.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<OpenClaw, never, HealingConfig> = Layer.effect(
    this,
    Effect.gen(function* () {
      const config = yield* HealingConfig
      const clock = yield* Effect.clock
      const queues = new Map<string, Queue>()
      const queueOf = (name = config.queue): Queue => {
        let queue = queues.get(name)
        if (queue === undefined) {
          queue = makeQueue(clock)
          queues.set(name, queue)
        }
        return queue
      }
      return {
        running: queueOf().running,
        runningIn: (queue) => queueOf(queue).running,
        started: (job, queue) => queueOf(queue).own.started(job),
        finished: (job, queue) => queueOf(queue).own.finished(job),
        withJob: (job, queue) => (effect) =>
          Effect.suspend(() => {
            const { forGate, own } = queueOf(queue)
            const mark: InsideMark.InsideMark = { inside: "job", name: job, of: forGate.of, live: true }
            return Effect.acquireUseRelease(
              own.started(job),
              () => InsideMark.within(mark)(effect),
              () => {
                mark.live = false
                return own.finished(job)
              }
            )
          }),
        source: (name, queue) => Effect.suspend(() => queueOf(queue).source(name)),
        [forGate]: queueOf().forGate
      }
    })
  )
}

interface Queue {
  readonly running: Subscribable.Subscribable<RunningState>
  readonly forGate: ForGate
  readonly own: Source
  readonly source: (name: string) => Effect.Effect<Source, never, Scope.Scope>
}

/** What one source has reported. */
interface Reported {
  readonly name: string
  readonly counts: Map<JobId, number>
  unknown: string | undefined
  broken: boolean
}

const MAX_REASON = 200

const warnIgnored = (source: Reported, job: JobId): Effect.Effect<void> =>
  Effect.logWarning("Ignored the end of an OpenClaw job that was never started").pipe(
    Effect.annotateLogs({ "healing.job": job, "healing.source": source.name }),
    // A logger that throws is not to fail the job.
    Effect.catchAllCause(() => Effect.void)
  )

/** Without the message, in which an adapter may well name an address with its password. */
const describeBreak = (cause: Cause.Cause<unknown>): string => {
  if (Cause.isInterruptedOnly(cause)) return "its scope was interrupted"
  const error = Cause.squash(cause)
  const name = Predicate.hasProperty(error, "_tag") ? error._tag : error instanceof Error ? error.name : "a defect"
  return `it broke: ${typeof name === "string" ? name : "a failure"}`
}

const makeQueue = (clock: Clock.Clock): Queue => {
  const now = () => Clocks.millis(clock)
  // Private, since anybody who holds it could set it or block its reports.
  // Made at once, since allocation is all it is, so that two first users get the same queue.
  const ref = Effect.runSync(
    SubscriptionRef.make<RunningState>({
      jobs: HashMap.empty(),
      unknown: [],
      started: 0,
      idleSince: Number.NEGATIVE_INFINITY
    })
  )
  const sources = new Set<Reported>()

  // An interrupted `SubscriptionRef.modify` can keep its permit or its news for itself: it must run to its end.
  const modify = <A>(f: (state: RunningState) => readonly [A, RunningState]): Effect.Effect<A> =>
    Effect.uninterruptible(SubscriptionRef.modify(ref, f))
  const update = (f: (state: RunningState) => RunningState): Effect.Effect<void> =>
    Effect.uninterruptible(SubscriptionRef.update(ref, f))

  const next = (state: RunningState, changed: Partial<RunningState>): RunningState => {
    const jobs = changed.jobs ?? state.jobs
    const unknown = changed.unknown ?? state.unknown
    const idle = unknown.length === 0 && HashMap.isEmpty(jobs)
    return {
      jobs,
      unknown,
      started: changed.started ?? state.started,
      idleSince: idle ? (state.idleSince ?? now()) : undefined
    }
  }

  const unknownSources = (): ReadonlyArray<UnknownSource> =>
    Array.from(sources).flatMap(({ name, unknown }) => (unknown === undefined ? [] : [{ name, reason: unknown }]))

  /** The source now has `count` instances of the job. */
  const recount = (state: RunningState, source: Reported, job: JobId, count: number): RunningState => {
    const delta = count - (source.counts.get(job) ?? 0)
    if (delta === 0) return state
    if (count === 0) source.counts.delete(job)
    else source.counts.set(job, count)
    const before = HashMap.get(state.jobs, job)
    const instances = (before._tag === "Some" ? before.value.instances : 0) + delta
    return next(state, {
      jobs:
        instances === 0
          ? HashMap.remove(state.jobs, job)
          : HashMap.set(state.jobs, job, { instances, since: before._tag === "Some" ? before.value.since : now() }),
      started: state.started + Math.max(delta, 0)
    })
  }

  const replaceAll = (state: RunningState, source: Reported, jobs: Iterable<JobId>): RunningState => {
    const counts = new Map<JobId, number>()
    for (const job of jobs) counts.set(job, (counts.get(job) ?? 0) + 1)
    for (const job of source.counts.keys()) if (!counts.has(job)) counts.set(job, 0)
    return Array.from(counts).reduce((state, [job, count]) => recount(state, source, job, count), state)
  }

  const lose = (source: Reported, reason: string) =>
    update((state) => {
      source.unknown = reason.slice(0, MAX_REASON)
      return next(state, { unknown: unknownSources() })
    })

  const reporter = (source: Reported): Source => ({
    started: (job) => update((state) => recount(state, source, job, (source.counts.get(job) ?? 0) + 1)),
    finished: (job) =>
      Effect.flatMap(
        modify((state) => {
          const count = source.counts.get(job)
          return count === undefined ? [true, state] : [false, recount(state, source, job, count - 1)]
        }),
        (ignored) => (ignored ? warnIgnored(source, job) : Effect.void)
      ),
    replace: (jobs) => {
      // Read once and here, where whatever its iterator throws leaves everything as it was.
      const all = Array.from(jobs)
      return update((state) => {
        source.unknown = undefined
        return next(replaceAll(state, source, all), { unknown: unknownSources() })
      })
    },
    unknown: (reason) => lose(source, reason)
  })

  const remove = (state: RunningState, source: Reported): RunningState => {
    sources.delete(source)
    return next(replaceAll(state, source, []), { unknown: unknownSources() })
  }

  const open = (name: string): Effect.Effect<Reported> =>
    Effect.suspend(() => {
      const source: Reported = { name, counts: new Map(), unknown: "it has not reported yet", broken: false }
      return Effect.as(
        update((state) => {
          const broken = Array.from(sources).filter((other) => other.broken && other.name === name)
          sources.add(source)
          return broken.reduce(remove, next(state, { unknown: unknownSources() }))
        }),
        source
      )
    })

  const close = (source: Reported, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> => {
    const succeeded = Array.from(sources).some(
      (other) => other !== source && other.name === source.name && !other.broken
    )
    if (Exit.isSuccess(exit) || succeeded) return update((state) => remove(state, source))
    source.broken = true
    return lose(source, describeBreak(exit.cause))
  }

  return {
    running: Subscribable.make({
      get: ref.get,
      changes: Stream.buffer(ref.changes, { capacity: 1, strategy: "sliding" })
    }),
    forGate: { everyChange: ref.changes, of: ref },
    own: reporter({ name: "reports", counts: new Map(), unknown: undefined, broken: false }),
    source: (name) => Effect.map(Effect.acquireRelease(open(name), close), reporter)
  }
}
