/**
 * Where tests look in between the steps of an application: whatever others do there, the file stays whole.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"

/** @internal */
export type Hook = (step: string) => Effect.Effect<void>

/**
 * What is done before the step that it is told.
 *
 * @internal
 */
export const hook: FiberRef.FiberRef<Hook> = globalValue("effect-healing/suggestions/hook", () =>
  FiberRef.unsafeMake<Hook>(() => Effect.void)
)

/** @internal */
export const before = (step: string): Effect.Effect<void> => Effect.flatMap(FiberRef.get(hook), (told) => told(step))
