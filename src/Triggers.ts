/**
 * What happens to jobs becomes requests: each event is looked into by one of a few workers, and of those that come
 * meanwhile for the same job and trigger the newest is kept.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { JobEvent } from "./Supervisor.js"

const WORKERS = 8

/** Of jobs that the supervisor does not have there could be any number. */
const MAX_KEPT = 100_000

/** @internal */
export interface Triggers {
  readonly accept: (event: JobEvent) => void
}

/**
 * `handle` turns an event into a request, and is told whether it may take its time. What it fails with is tried again
 * every 30 seconds.
 *
 * @internal
 */
export const make = <E>(
  handle: (event: JobEvent, isHasty: boolean) => Effect.Effect<void, E>
): Effect.Effect<Triggers, never, Scope.Scope> =>
  Effect.gen(function* () {
    /** The newest of each kind, until it is a request. */
    const newest = new Map<string, JobEvent>()
    const waiting = yield* Queue.unbounded<string>()

    const work = (key: string) =>
      Effect.suspend(() => {
        const event = newest.get(key)
        if (event === undefined) return Effect.void
        return Effect.map(handle(event, false), () => {
          if (newest.get(key) === event) newest.delete(key)
          else waiting.unsafeOffer(key)
        })
      }).pipe(
        Effect.retry(Schedule.spaced("30 seconds")),
        Effect.catchAllDefect(() => {
          newest.delete(key)
          return Effect.logFatal("An event could not be looked into, because of a bug")
        })
      )

    // Before the workers, so that they have ended by then.
    yield* Effect.addFinalizer(() =>
      Effect.forEach(newest.values(), (event) => Effect.ignore(handle(event, true)), { discard: true })
    )
    for (let index = 0; index < WORKERS; index++) {
      yield* Queue.take(waiting).pipe(Effect.flatMap(work), Effect.forever, Effect.forkScoped)
    }

    return {
      accept: (event) => {
        const key = JSON.stringify([event.job, event.trigger])
        const isKnown = newest.has(key)
        if (!isKnown && newest.size >= MAX_KEPT) return
        newest.set(key, event)
        if (!isKnown) waiting.unsafeOffer(key)
      }
    }
  })
