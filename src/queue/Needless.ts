/**
 * Why a request whose turn has come needs no review after all.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { isFailure } from "../policy/RunRule.js"
import * as Request from "../request/HealingRequest.js"
import * as RequestLife from "../request/RequestLife.js"
import { Reviewed, type Reviewer, reviewWith, tellsBegin } from "../review/Reviewer.js"
import type { Journal } from "../store/Journal.js"
import type { Veto } from "./ForScheduler.js"

/**
 * Why a request is not reviewed whose job is not to be reviewed any more.
 *
 * @internal
 */
export const SWITCHED_OFF = "its policy was switched off"

const EXPLAINED =
  "a completed review has explained this failure, and neither its command nor its files have changed since"

/**
 * Whether it was skipped since nobody needs it any more.
 *
 * @internal
 */
export const isNeedless = (reason: string | null): boolean => reason === EXPLAINED || reason === SWITCHED_OFF

/**
 * A reviewer that skips what is needless: a policy was switched off since the request was made, or the review that ran meanwhile has
 * explained the failure. What cannot be looked up is reviewed.
 *
 * @internal
 */
export const unlessNeedless = (
  store: Journal,
  vetoes: ReadonlyArray<Veto>,
  reviewer: Context.Tag.Service<Reviewer>
): Context.Tag.Service<Reviewer> => {
  const review = (request: Request.HealingRequest, begins: Effect.Effect<void>) => {
    const reviewed = reviewWith(reviewer, request, begins)
    if (!Request.isAutomatic(request)) return reviewed
    const [reason] = vetoes.flatMap((veto) => veto(request) ?? [])
    if (reason !== undefined) return Effect.succeed(Reviewed.Skipped({ reason }))
    const { job, signatures, triggers } = request
    const mayBeExplained = triggers.every(isFailure) && signatures.length > 0
    if (!mayBeExplained || signatures.includes(RequestLife.UNKNOWN_FAILURE)) return reviewed
    return Effect.every(signatures, (signature) => store.explained(job, signature)).pipe(
      Effect.orElseSucceed(() => false),
      Effect.flatMap((areExplained) =>
        areExplained ? Effect.succeed(Reviewed.Skipped({ reason: EXPLAINED })) : reviewed
      )
    )
  }
  return { review: (request) => review(request, Effect.void), [tellsBegin]: review }
}
