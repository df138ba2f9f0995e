/**
 * Warnings from places that must go on whatever a logger does.
 *
 * @internal
 */
import * as Effect from "effect/Effect"

/**
 * Logs a warning. A logger that throws fails neither the job nor the gate that warns.
 *
 * @internal
 */
export const warn = (message: string, annotations: Readonly<Record<string, string>>): Effect.Effect<void> =>
  Effect.logWarning(message).pipe(
    Effect.annotateLogs(annotations),
    Effect.catchAllCause(() => Effect.void)
  )
