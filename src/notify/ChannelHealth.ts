/**
 * How a channel is: for how long it has taken nothing, and until when it is left alone.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { NotifyError } from "../HealingError.js"
import * as SafeLog from "../internal/SafeLog.js"

const FIRST_RETRY = Duration.toMillis("5 seconds")

const LAST_RETRY = Duration.toMillis("10 minutes")

/**
 * A receiver may ask to be left alone for so long, in milliseconds.
 *
 * @internal
 */
export const MAX_RETRY_AFTER = Duration.toMillis("1 hour")

const MAX_REASON = 500

/**
 * - `works`: it has answered.
 * - `fails`: it has not, or has taken nothing for now. Returns how long to wait, in milliseconds.
 * - `resume`: in another life it has failed so often, and was to be left alone for so long, in milliseconds.
 * - `left`: how long it is to be left alone from now on, in milliseconds.
 * - `failingFor`: for how long it takes nothing, as far as this process has tried it, in milliseconds.
 * - `trouble`: why the last try has failed, if it has.
 *
 * @internal
 */
export interface ChannelHealth {
  readonly works: Effect.Effect<void>
  readonly fails: (error: NotifyError) => Effect.Effect<number>
  readonly resume: (failures: number, wait: number) => void
  readonly left: () => number
  readonly failingFor: () => number
  readonly trouble: () => string | undefined
}

/** How long to wait after so many tries that have failed, one after the other. */
const backoff = (failures: number): Effect.Effect<number> =>
  Effect.map(Random.nextRange(0.8, 1.2), (jitter) =>
    Math.round(Math.min(FIRST_RETRY * 2 ** Math.min(failures - 1, 20), LAST_RETRY) * jitter)
  )

/**
 * - `now`: by the steady clock, in milliseconds.
 *
 * @internal
 */
export const make = (name: string, now: () => number): ChannelHealth => {
  let failures = 0
  let heldUntil = Number.NEGATIVE_INFINITY
  let failing: { readonly since: number; readonly why: string } | undefined
  return {
    works: Effect.suspend(() => {
      const was = failing
      failures = 0
      failing = undefined
      return was === undefined ? Effect.void : SafeLog.info(`The channel "${name}" takes notices again`)
    }),
    fails: ({ detail, retryAfter = 0 }) =>
      Effect.gen(function* () {
        const before = failing
        const why = detail.slice(0, MAX_REASON)
        failing = { since: before?.since ?? now(), why }
        failures++
        const wait = Math.max(yield* backoff(failures), Math.min(retryAfter, MAX_RETRY_AFTER))
        heldUntil = now() + wait
        if (before === undefined)
          yield* SafeLog.warn(`The channel "${name}" takes no notices: ${why}. They are kept, and tried again`)
        return wait
      }),
    resume: (before, wait) => {
      failures = Math.max(failures, before)
      heldUntil = Math.max(heldUntil, now() + Math.min(wait, MAX_RETRY_AFTER))
    },
    left: () => heldUntil - now(),
    failingFor: () => (failing === undefined ? 0 : now() - failing.since),
    trouble: () => failing?.why
  }
}
