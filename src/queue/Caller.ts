/**
 * One who waits for the end of a request, in `heal` or `cancel`.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { HealError, Review } from "./Review.js"

/** @internal */
export interface Caller {
  readonly job: string
  readonly calledAt: number
  /** The monotonic instant after which it waits no longer, unless the request has had its turn by then. */
  deadline: number
  outcome: Effect.Effect<Review, HealError> | undefined
  resume: ((outcome: Effect.Effect<Review, HealError>) => void) | undefined
  /** Whether it would rather hear that the end cannot be written than wait until it can. */
  readonly failsFast: boolean
}

/**
 * - `job`: for whose request it waits.
 * - `at`: the monotonic instant of its call.
 * - `maxWait`: in milliseconds; `Infinity` for as long as it takes.
 *
 * @internal
 */
export const make = (job: string, at: number, maxWait: number, failsFast: boolean): Caller => ({
  job,
  calledAt: at,
  deadline: at + maxWait,
  outcome: undefined,
  resume: undefined,
  failsFast
})

/** @internal */
export const answer = (caller: Caller, outcome: Effect.Effect<Review, HealError>): void => {
  caller.outcome = outcome
  caller.resume?.(outcome)
  caller.resume = undefined
}

/** @internal */
export const awaitAnswer = (caller: Caller): Effect.Effect<Review, HealError> =>
  Effect.async((resume) => {
    if (caller.outcome === undefined) caller.resume = resume
    else resume(caller.outcome)
  })
