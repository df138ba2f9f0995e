/**
 * Asks the supervisor which jobs it has, and what their policies are.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { SupervisorError } from "../HealingError.js"
import type { Supervisor } from "../supervisor/Supervisor.js"
import type { KnownJobs } from "./KnownJobs.js"

const MINUTE = Duration.toMillis("1 minute")

/** How long a supervisor may take to tell which jobs it has. */
const JOBS_TIMEOUT = Duration.seconds(30)

const MAX_UNKNOWN = 1000

/**
 * - `read`: reads them now, and ends when they hold.
 * - `readOrWarn`: the same, and warns once when the supervisor does not answer any more.
 * - `isUnknown`: whether the supervisor does not have the job. It is asked at most once a minute.
 * - `hasRead`: whether the supervisor has ever answered.
 *
 * @internal
 */
export interface JobReading {
  readonly read: Effect.Effect<void, SupervisorError>
  readonly readOrWarn: Effect.Effect<void>
  readonly isUnknown: (job: string) => Effect.Effect<boolean, SupervisorError>
  readonly hasRead: () => boolean
}

/**
 * - `learned`: told of each answer that is not the same as the one before.
 * - `lookAgain`: done after each answer.
 * - `now`: monotonic, in milliseconds.
 *
 * @internal
 */
export const make = (
  supervisor: Context.Tag.Service<Supervisor>,
  known: KnownJobs,
  learned: () => void,
  lookAgain: Effect.Effect<void>,
  now: () => number
): JobReading => {
  let isAnswering = true
  let asked = 0
  let lastAnswered = 0
  /** Jobs that the supervisor did not have, and when it was asked. */
  const unknown = new Map<string, number>()

  /** Ignores an answer that is older than one already applied. Returns what is wrong, and was not wrong before. */
  const learn = (jobs: ReadonlyArray<unknown>, number: number): ReadonlyArray<string> => {
    if (number < lastAnswered) return []
    lastAnswered = number
    isAnswering = true
    if (known.isSame(jobs)) return []
    const news = known.read(jobs)
    learned()
    return news
  }

  const read: Effect.Effect<void, SupervisorError> = Effect.suspend(() => {
    const number = ++asked
    return Effect.flatMap(
      Effect.suspend(() => supervisor.jobs),
      (jobs) =>
        Array.isArray(jobs)
          ? Effect.sync(() => learn(jobs, number))
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
    Effect.zipRight(lookAgain)
  )

  return {
    read,
    readOrWarn: Effect.catchAll(read, (error) => {
      if (!isAnswering) return Effect.void
      isAnswering = false
      return Effect.logWarning(
        `The supervisor does not tell its jobs, so that they are taken to be as before: ${error.message}`
      )
    }),
    isUnknown: (job) =>
      Effect.gen(function* () {
        if (known.has(job)) return false
        const askedAt = unknown.get(job)
        if (askedAt !== undefined && now() - askedAt < MINUTE) return true
        yield* read
        if (known.has(job)) return false
        if (unknown.size >= MAX_UNKNOWN) unknown.clear()
        unknown.set(job, now())
        if (askedAt === undefined) {
          yield* Effect.logWarning(`Something happened to "${job}", which the supervisor does not have`)
        }
        return true
      }),
    hasRead: () => lastAnswered > 0
  }
}
