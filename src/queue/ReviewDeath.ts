/**
 * What is told of a review that has ended with a defect.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ReviewError } from "../HealingError.js"

/**
 * The message is left out: a defect may well name a secret in it.
 *
 * @internal
 */
export const died = (job: string, cause: Cause.Cause<unknown>): ReviewError => {
  const defect = Option.getOrUndefined(Cause.dieOption(cause))
  const how = Cause.isFailure(cause)
    ? "failed with what is no ReviewError"
    : Cause.isDie(cause)
      ? "died"
      : "was interrupted"
  const reason = `the review ${how}${defect instanceof Error ? ` of a ${defect.name}` : ""}`
  return new ReviewError({ job, reason, retry: { _tag: "Backoff" } })
}

/** @internal */
export const logDeath = ({ job, reason }: ReviewError, cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  const defect = Option.getOrUndefined(Cause.dieOption(cause))
  const stack = defect instanceof Error ? (defect.stack ?? "") : ""
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line))
  return Effect.logError([reason, ...frames].join("\n")).pipe(Effect.annotateLogs("healing.job", job))
}
