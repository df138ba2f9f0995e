/**
 * Logs from places that must go on whatever a logger does.
 *
 * @internal
 */
import * as Effect from "effect/Effect"

/**
 * A logger that throws takes nothing else with it.
 *
 * @internal
 */
export const safely = (log: Effect.Effect<void>): Effect.Effect<void> => Effect.catchAllCause(log, () => Effect.void)

/**
 * Logs what people want to know.
 *
 * @internal
 */
export const info = (message: string): Effect.Effect<void> => safely(Effect.logInfo(message))

/**
 * Logs a warning. A logger that throws fails neither the job nor the gate that warns.
 *
 * @internal
 */
export const warn = (message: string, annotations: Readonly<Record<string, string>> = {}): Effect.Effect<void> =>
  safely(Effect.annotateLogs(Effect.logWarning(message), annotations))
