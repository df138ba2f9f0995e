/**
 * Occurrences of schedules become requests, or reasons why not.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { HealingStoreError } from "../HealingError.js"
import * as Clocks from "../internal/Clocks.js"
import type { ForScheduler } from "../queue/ForScheduler.js"
import type { Agenda, Due } from "./Agenda.js"
import type { KnownJobs } from "./KnownJobs.js"

/** How many are written in one commit. */
const BATCH = 1000

/** How many are asked for before everything else of the process has its turn. */
const AT_ONCE = 100

/** @internal */
export interface ByClockOptions {
  readonly agenda: Agenda
  readonly known: KnownJobs
  readonly write: ForScheduler["write"]
  readonly submit: ForScheduler["submit"]
  readonly wall: () => number
}

/**
 * Writes where schedules begin and end, and asks for what is due by now, in a fiber of the scope. What cannot be written is tried
 * again in a minute.
 *
 * @internal
 */
export const make = (
  { agenda, known, submit, wall, write }: ByClockOptions,
  scope: Scope.Scope
): Effect.Effect<void> => {
  const skip = (due: Due, reason: string): Effect.Effect<void, HealingStoreError> =>
    write([{ ...due, request: null, reason }])

  const request = (due: Due): Effect.Effect<unknown, HealingStoreError> => {
    const { reason, ...taken } = due
    if (reason !== null) return skip(due, reason)
    return submit({ ...known.wishFor(due.job), trigger: "schedule" }, { due: taken }).pipe(
      Effect.catchTag("HealingQueueFull", "HealingInvalid", (error) => skip(due, error.message))
    )
  }

  const settle = (due: Due): Effect.Effect<void> =>
    Effect.matchEffect(Effect.sandbox(request(due)), {
      onSuccess: () => Effect.sync(() => agenda.done(due)),
      onFailure: (cause) => {
        agenda.failed(due, wall())
        const error = Option.getOrElse(Cause.failureOption(cause), () => ({ message: "because of a bug" }))
        return Effect.logWarning(
          `The scheduled review of "${due.job}" is asked for again in a minute: ${error.message}`
        )
      }
    })

  const writeBounds = Effect.suspend(() =>
    Effect.forEach(Arr.chunksOf(agenda.unwritten, BATCH), (bounds) =>
      Effect.map(write(bounds), () => agenda.written(bounds))
    )
  )

  const settleDue = Effect.suspend(() => {
    const due = agenda.take(wall())
    if (due.length === 0) return Effect.void
    const settleSome = (some: ReadonlyArray<Due>) =>
      Effect.zipRight(Effect.forEach(some, settle, { concurrency: "unbounded", discard: true }), Clocks.giveWay)
    return Effect.forkIn(Effect.forEach(Arr.chunksOf(due, AT_ONCE), settleSome, { discard: true }), scope)
  })

  return writeBounds.pipe(
    Effect.catchAll((error) =>
      Effect.logWarning(`Where schedules begin and end is written again in a minute: ${error.message}`)
    ),
    Effect.zipRight(settleDue),
    Effect.asVoid
  )
}
