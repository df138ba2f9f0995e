/**
 * Who decides through a door.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { Decision } from "../suggestions/Decision.js"
import { CurrentCaller } from "./Rights.js"

/**
 * The decision of whoever asks, with the reason that they give.
 *
 * @internal
 */
export const decisionOf = ({
  reason
}: {
  readonly reason?: string | undefined
}): Effect.Effect<Decision, never, CurrentCaller> =>
  Effect.map(CurrentCaller, ({ door, name }) => ({ who: name, door, reason }))
