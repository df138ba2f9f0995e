/**
 * How the command ends when it does not do what was asked.
 *
 * @internal
 */
import * as Data from "effect/Data"

/**
 * The exit codes, as they stand in `--help`.
 *
 * @internal
 */
export const CODES = { done: 0, failed: 1, usage: 2, timedOut: 3, notPermitted: 4, notRunning: 5 } as const

/**
 * - `code`: with which the process ends.
 * - `message`: what is printed; empty if all is said.
 *
 * @internal
 */
export class Problem extends Data.TaggedError("Problem")<{ readonly code: number; readonly message: string }> {}

/** @internal */
export const failed = (message: string): Problem => new Problem({ code: CODES.failed, message })

/** @internal */
export const usage = (message: string): Problem => new Problem({ code: CODES.usage, message })

/** Those that say who may not do something. */
const NOT_PERMITTED: ReadonlyArray<string> = ["Unauthorized", "NotPermitted", "OtherOrigin", "OtherHost"]

/**
 * Any error, as the command says it.
 *
 * @internal
 */
export const problemOf = (error: { readonly _tag: string; readonly message: string }): Problem => {
  if (error instanceof Problem) return error
  if (error._tag === "HealingInvalid") return usage(error.message)
  if (NOT_PERMITTED.includes(error._tag)) return new Problem({ code: CODES.notPermitted, message: error.message })
  if (error._tag === "RequestError") {
    return new Problem({ code: CODES.notRunning, message: "Nothing runs there any more, or it does not answer" })
  }
  return failed(
    error._tag === "ResponseError" || error._tag === "ParseError"
      ? `An answer that is none of effect-healing: ${error.message}`
      : error.message
  )
}
