/**
 * The errors of the system, by their codes.
 *
 * @internal
 */
import * as Predicate from "effect/Predicate"

/**
 * The code of an error of Node, such as `ENOENT`.
 *
 * @internal
 */
export const codeOf = (error: unknown): string | undefined =>
  Predicate.hasProperty(error, "code") && Predicate.isString(error.code) ? error.code : undefined
