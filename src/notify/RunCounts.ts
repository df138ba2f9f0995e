/**
 * Counts the runs of jobs for the digest.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { HealingStoreError } from "../HealingError.js"
import { type Change, notice as noticeChange } from "../store/Change.js"
import type { RunCount } from "../store/NoticeJournal.js"
import { listenToRuns } from "../supervisor/ListeningToRuns.js"
import type { Supervisor } from "../supervisor/Supervisor.js"

/** How long counts are kept in memory: a kill loses no more. */
const EVERY = Duration.minutes(1)

/** Jobs that are counted between two writes. */
const MAX_JOBS = 10_000

/**
 * It counts for as long as the scope is open.
 *
 * - `flush`: writes what was counted.
 *
 * @internal
 */
export const make = ({
  supervisor,
  write
}: {
  readonly supervisor: Context.Tag.Service<Supervisor>
  readonly write: (changes: () => ReadonlyArray<Change>) => Effect.Effect<void, HealingStoreError>
}): Effect.Effect<{ readonly flush: Effect.Effect<void, HealingStoreError> }, never, Scope.Scope> =>
  Effect.gen(function* () {
    const counts = new Map<string, RunCount>()
    const alone = yield* Effect.makeSemaphore(1)
    const isDue = yield* Effect.makeLatch(false)

    /** What cannot be written is kept, and written the next time. */
    const flush = Effect.suspend(() => {
      const all = Array.from(counts.values())
      if (all.length === 0) return Effect.void
      counts.clear()
      return write(() => all.map((counted) => noticeChange({ _tag: "Count", counted }))).pipe(
        Effect.tapError(() => Effect.sync(() => all.forEach(add)))
      )
    }).pipe(
      Effect.uninterruptible,
      // Who asks for it is to find what is being written just now as well.
      alone.withPermits(1)
    )

    const add = ({ failures, job, runs }: RunCount) => {
      const before = counts.get(job) ?? { runs: 0, failures: 0 }
      if (!counts.has(job) && counts.size >= MAX_JOBS) return
      counts.set(job, { job, runs: before.runs + runs, failures: before.failures + failures })
      isDue.unsafeOpen()
    }

    yield* Effect.forkScoped(
      listenToRuns(supervisor, (event) =>
        Effect.sync(() => {
          if (event._tag !== "Ended" || event.outcome === "stopped") return
          add({ job: event.job, runs: 1, failures: event.outcome === "failed" ? 1 : 0 })
        })
      )
    )
    // The queue says in the log that its store fails.
    yield* Effect.addFinalizer(() => Effect.ignore(flush))
    yield* isDue.await.pipe(
      Effect.zipRight(Effect.sleep(EVERY)),
      Effect.zipRight(Effect.sync(() => isDue.unsafeClose())),
      Effect.zipRight(Effect.ignore(flush)),
      Effect.forever,
      Effect.forkScoped
    )
    return { flush }
  })
