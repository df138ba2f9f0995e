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
import * as SafeLog from "../internal/SafeLog.js"
import { HealingConfig } from "../settings/HealingConfig.js"
import { type ForGate, forGate, type HasForGate } from "./ForGate.js"
import * as InsideMark from "./InsideMark.js"
import type { Quota } from "./Quota.js"
import { type Reported, Reports, reported } from "./Reports.js"
import type { JobId, RunningState } from "./RunningState.js"

export type { Quota } from "./Quota.js"
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
 * - `quotas`: how the quotas of providers stand, as the source has heard it. Nothing waits for them: people see them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Source {
  readonly started: (job: JobId) => Effect.Effect<void>
  readonly finished: (job: JobId) => Effect.Effect<void>
  readonly replace: (jobs: Iterable<JobId>) => Effect.Effect<void>
  readonly unknown: (reason: string) => Effect.Effect<void>
  readonly quotas: (quotas: ReadonlyArray<Quota>) => Effect.Effect<void>
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
      const queues = new Map<string, JobQueue>()
      const queueOf = (name = config.queue): JobQueue => {
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

interface JobQueue {
  readonly running: Subscribable.Subscribable<RunningState>
  readonly forGate: ForGate
  readonly own: Source
  readonly source: (name: string) => Effect.Effect<Source, never, Scope.Scope>
}

const IGNORED = "Ignored the end of an OpenClaw job that was never started"

/** The message is left out: an adapter may well name an address with its password in it. */
const describeBreak = (cause: Cause.Cause<unknown>): string => {
  if (Cause.isInterruptedOnly(cause)) return "its scope was interrupted"
  const error = Cause.squash(cause)
  const name = Predicate.hasProperty(error, "_tag") ? error._tag : error instanceof Error ? error.name : "a defect"
  return `it broke: ${typeof name === "string" ? name : "a failure"}`
}

const makeQueue = (clock: Clock.Clock): JobQueue => {
  const reports = new Reports(() => Clocks.millis(clock))
  // Private, since anybody who holds it could set it or block its reports.
  // Made at once, since allocation is all it is, so that two first users get the same queue.
  const ref = Effect.runSync(
    SubscriptionRef.make<RunningState>({
      jobs: HashMap.empty(),
      unknown: [],
      started: 0,
      idleSince: Number.NEGATIVE_INFINITY,
      quotas: []
    })
  )

  // An interrupted `SubscriptionRef.modify` can keep its permit or its news for itself: it must run to its end.
  const modify = <A>(f: (state: RunningState) => readonly [A, RunningState]): Effect.Effect<A> =>
    Effect.uninterruptible(SubscriptionRef.modify(ref, f))
  const update = (f: (state: RunningState) => RunningState): Effect.Effect<void> =>
    Effect.uninterruptible(SubscriptionRef.update(ref, f))

  const reporter = (source: Reported): Source => ({
    started: (job) => update((state) => reports.recount(state, source, job, (source.counts.get(job) ?? 0) + 1)),
    finished: (job) =>
      Effect.flatMap(
        modify((state) => {
          const count = source.counts.get(job)
          return count === undefined ? [true, state] : [false, reports.recount(state, source, job, count - 1)]
        }),
        (isIgnored) =>
          isIgnored ? SafeLog.warn(IGNORED, { "healing.job": job, "healing.source": source.name }) : Effect.void
      ),
    replace: (jobs) => {
      // Read once and here, where whatever its iterator throws leaves everything as it was.
      const all = Array.from(jobs)
      return update((state) => reports.replace(state, source, all))
    },
    unknown: (reason) => update((state) => reports.lose(state, source, reason)),
    quotas: (quotas) => update((state) => reports.quote(state, source, quotas))
  })

  const open = (name: string): Effect.Effect<Reported> =>
    Effect.suspend(() => {
      const source = reported(name, "it has not reported yet")
      return Effect.as(
        update((state) => reports.add(state, source)),
        source
      )
    })

  const close = (source: Reported, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> => {
    if (Exit.isSuccess(exit) || reports.hasSuccessor(source)) return update((state) => reports.remove(state, source))
    source.broken = true
    return update((state) => reports.lose(state, source, describeBreak(exit.cause)))
  }

  const ofGate: ForGate = { everyChange: ref.changes, of: ref }
  const running = Subscribable.make({
    get: ref.get,
    changes: Stream.buffer(ref.changes, { capacity: 1, strategy: "sliding" })
  })
  return {
    running: Object.assign(running, { [forGate]: ofGate }),
    forGate: ofGate,
    own: reporter(reported("reports", undefined)),
    source: (name) => Effect.map(Effect.acquireRelease(open(name), close), reporter)
  }
}
