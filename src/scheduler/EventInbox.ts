/**
 * What happens to jobs becomes requests: each event is looked into by one of a few workers. Of those that look the same and
 * come meanwhile the newest is kept.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { JobEvent } from "../supervisor/Supervisor.js"
import { stableText } from "./StableText.js"

const WORKERS = 8

/** Kinds of events of one job and trigger. */
const MAX_KINDS = 8

/** There could be any number of jobs that the supervisor does not have. */
const MAX_KEPT = 10_000

/**
 * One event, and when it came, by the steady clock.
 *
 * @internal
 */
export interface Accepted {
  readonly event: JobEvent
  readonly at: number
}

/** @internal */
export interface EventInbox {
  readonly accept: (event: JobEvent) => void
}

/** What a new one may take the place of. */
const kindOf = ({ exitCode, lastError }: JobEvent): string => `${exitCode ?? ""} ${stableText(lastError ?? "")}`

/**
 * `handle` turns an event into a request, and is told whether the scheduler is closing. What it fails with is tried again every 30
 * seconds.
 *
 * @internal
 */
export const make = <E>(
  handle: (accepted: Accepted, isClosing: boolean) => Effect.Effect<void, E>,
  now: () => number
): Effect.Effect<EventInbox, never, Scope.Scope> =>
  Effect.gen(function* () {
    /** The events that are not requests yet, by job and trigger, and then by their kinds. */
    const kept = new Map<string, Map<string, Accepted>>()
    const waiting = yield* Queue.unbounded<string>()

    const forget = (key: string, kind: string, accepted: Accepted) => {
      const kinds = kept.get(key)
      if (kinds?.get(kind) === accepted) kinds.delete(kind)
      if (kinds?.size === 0) kept.delete(key)
      else waiting.unsafeOffer(key)
    }

    // One at a time of a job and trigger, in the order in which they came.
    const work = (key: string) =>
      Effect.suspend(() => {
        const [first] = kept.get(key) ?? []
        if (first === undefined) return Effect.void
        const [kind, accepted] = first
        const { event } = accepted
        return handle(accepted, false).pipe(
          Effect.retry(Schedule.spaced("30 seconds")),
          // An adapter may do anything, and what it does to one event is not to be done to all.
          Effect.catchAllCause(() =>
            Effect.logError(`Something happened to "${event.job}" that cannot be looked into`)
          ),
          Effect.map(() => forget(key, kind, accepted))
        )
      })

    // The finalizer is added before the workers are forked, so that they have ended when it runs.
    yield* Effect.addFinalizer(() =>
      Effect.forEach(
        Array.from(kept.values()).flatMap((kinds) => Array.from(kinds.values())),
        (accepted) => Effect.ignore(Effect.sandbox(handle(accepted, true))),
        { concurrency: "unbounded", discard: true }
      )
    )
    for (let index = 0; index < WORKERS; index++) {
      yield* Queue.take(waiting).pipe(Effect.flatMap(work), Effect.forever, Effect.forkScoped)
    }

    return {
      accept: (event) => {
        const key = JSON.stringify([event.job, event.trigger])
        const kinds = kept.get(key)
        if (kinds === undefined) {
          if (kept.size >= MAX_KEPT) return
          kept.set(key, new Map([[kindOf(event), { event, at: now() }]]))
          waiting.unsafeOffer(key)
          return
        }
        const kind = kindOf(event)
        const newest = Array.from(kinds.keys()).at(-1)
        if (kinds.size >= MAX_KINDS && !kinds.has(kind) && newest !== undefined) kinds.delete(newest)
        kinds.set(kind, { event, at: now() })
      }
    }
  })
