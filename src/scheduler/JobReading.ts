/**
 * Asks the supervisor which jobs it has, and what their policies are.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { SupervisorError } from "../HealingError.js"
import { count, named } from "../internal/Plural.js"
import type { Supervisor } from "../supervisor/Supervisor.js"
import type { KnownJobs } from "./KnownJobs.js"

const MINUTE = Duration.toMillis("1 minute")

/** How long a supervisor may take to tell which jobs it has. */
const JOBS_TIMEOUT = Duration.seconds(30)

/** The time between two questions for the sake of events, and from the first of such jobs to the warning of all of them. */
const PAUSE = Duration.toMillis("1 second")

const MAX_UNKNOWN = 10_000

/** A job is often told of before its supervisor has it, and seldom for long. */
const MAX_QUESTIONS = 5

/**
 * - `read`: reads them now, and ends when they hold.
 * - `readOrWarn`: the same, and warns once when the supervisor does not answer any more.
 * - `isUnknown`: whether the supervisor does not have the job, to which something happened at that instant. It is asked at most once a
 *   second for the sake of all of them, and at most once a minute for the sake of one that it did not have five times.
 * - `hasRead`: whether the supervisor has ever answered.
 *
 * @internal
 */
export interface JobReading {
  readonly read: Effect.Effect<void, SupervisorError>
  readonly readOrWarn: Effect.Effect<void>
  readonly isUnknown: (job: string, at: number) => Effect.Effect<boolean, SupervisorError>
  readonly hasRead: () => boolean
}

/**
 * - `learned`: told of each answer that is not the same as the one before.
 * - `lookAgain`: done after each answer.
 * - `now`: steady, in milliseconds.
 *
 * @internal
 */
export interface JobReadingOptions {
  readonly supervisor: Context.Tag.Service<Supervisor>
  readonly known: KnownJobs
  readonly learned: () => void
  readonly lookAgain: Effect.Effect<void>
  readonly now: () => number
  readonly scope: Scope.Scope
}

/** @internal */
export const make = ({ known, learned, lookAgain, now, scope, supervisor }: JobReadingOptions): JobReading => {
  let isAnswering = true
  let hasReturned = false
  let asked = 0
  let lastAnswered = 0
  /** When the last question was asked that was answered. */
  let answeredFrom = Number.NEGATIVE_INFINITY
  /** Jobs that the supervisor did not have, when it was asked last, and how often it has said so one time after the other. */
  const unknown = new Map<string, { readonly askedAt: number; readonly times: number }>()

  /** Ignores an answer that is older than one already applied. Returns what is wrong, and was not wrong before. */
  const learn = (jobs: ReadonlyArray<unknown>, number: number, from: number): ReadonlyArray<string> => {
    if (number < lastAnswered) return []
    lastAnswered = number
    answeredFrom = from
    if (!isAnswering) hasReturned = true
    isAnswering = true
    if (known.isSame(jobs)) return []
    const news = known.read(jobs)
    learned()
    return news
  }

  const read: Effect.Effect<void, SupervisorError> = Effect.suspend(() => {
    const number = ++asked
    const from = now()
    return Effect.flatMap(
      Effect.suspend(() => supervisor.jobs),
      (jobs) =>
        Array.isArray(jobs)
          ? Effect.sync(() => learn(jobs, number, from))
          : new SupervisorError({ detail: "its adapter gave no list of jobs" })
    )
  }).pipe(
    Effect.disconnect,
    Effect.timeoutFail({
      duration: JOBS_TIMEOUT,
      onTimeout: () => new SupervisorError({ detail: "it has not told its jobs within 30 seconds" })
    }),
    // The cause is left out: an adapter may well name a secret in it.
    Effect.catchAllCause((cause) =>
      Effect.fail(
        Option.getOrElse(Cause.failureOption(cause), () => new SupervisorError({ detail: "its adapter is broken" }))
      )
    ),
    Effect.flatMap((news) => Effect.forEach(news, (message) => Effect.logWarning(message), { discard: true })),
    Effect.zipRight(
      Effect.suspend(() => {
        if (!hasReturned) return Effect.void
        hasReturned = false
        return Effect.logInfo("The supervisor tells its jobs again")
      })
    ),
    Effect.zipRight(lookAgain)
  )

  /** Those that wait for the next question to be asked for all of them. */
  let next: Deferred.Deferred<void, SupervisorError> | undefined
  let askedForAllAt = Number.NEGATIVE_INFINITY

  const readForAll: Effect.Effect<void, SupervisorError> = Effect.suspend(() => {
    if (next !== undefined) return Deferred.await(next)
    const waiting = Deferred.unsafeMake<void, SupervisorError>(FiberId.none)
    next = waiting
    const ask = Effect.suspend(() => {
      next = undefined
      askedForAllAt = now()
      return Deferred.complete(waiting, read)
    })
    const pause = Effect.sleep(Duration.millis(Math.max(0, askedForAllAt + PAUSE - now())))
    // Nobody is left waiting for it when the one who began to is interrupted.
    return Effect.zipRight(Effect.forkIn(Effect.zipRight(pause, ask), scope), Deferred.await(waiting))
  })

  /** Jobs to which something happened, of which nobody has been told yet that the supervisor does not have them. */
  const untold = new Set<string>()

  const warnOf = (job: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      const isFirst = untold.size === 0
      if (untold.size < MAX_UNKNOWN) untold.add(job)
      return isFirst
        ? Effect.asVoid(Effect.forkIn(Effect.delay(warnOfAll, Duration.millis(PAUSE)), scope))
        : Effect.void
    })

  const warnOfAll = Effect.suspend(() => {
    const jobs = named(Array.from(untold), (others) => count(others, "other job"))
    untold.clear()
    return Effect.logWarning(`Something happened to ${jobs}, which the supervisor does not have`)
  })

  return {
    read,
    readOrWarn: Effect.catchAll(read, (error) => {
      if (!isAnswering) return Effect.void
      isAnswering = false
      return Effect.logWarning(
        `The supervisor does not tell its jobs, so that they are taken to be as before: ${error.message}`
      )
    }),
    isUnknown: (job, at) =>
      Effect.gen(function* () {
        if (known.has(job)) return false
        const before = unknown.get(job)
        if (before !== undefined && before.times >= MAX_QUESTIONS && now() - before.askedAt < MINUTE) return true
        // An answer to a question that was asked before it happened says nothing.
        if (answeredFrom <= at) yield* readForAll
        if (known.has(job)) {
          unknown.delete(job)
          return false
        }
        if (unknown.size >= MAX_UNKNOWN) unknown.clear()
        const isNews = before === undefined || answeredFrom > before.askedAt
        unknown.set(job, { askedAt: answeredFrom, times: (before?.times ?? 0) + (isNews ? 1 : 0) })
        if (before === undefined) yield* warnOf(job)
        return true
      }),
    hasRead: () => lastAnswered > 0
  }
}
