/**
 * What the doctor has found.
 *
 * @internal
 */
import * as Schema from "effect/Schema"

/**
 * - `check`: what was looked at, such as `disk`.
 * - `outcome`: `ok`; `warn`, what works and may not for long, or not as one thinks; `fail`, what does not work.
 * - `message`: what was found, and what it means.
 * - `todo`: what to do about it; `null` if there is nothing to do.
 *
 * @internal
 */
export const Finding = Schema.Struct({
  check: Schema.String,
  outcome: Schema.Literal("ok", "warn", "fail"),
  message: Schema.String,
  todo: Schema.NullOr(Schema.String)
})

/** @internal */
export interface Finding extends Schema.Schema.Type<typeof Finding> {}

/** @internal */
export const ok = (check: string, message: string): Finding => ({ check, outcome: "ok", message, todo: null })

/** @internal */
export const warn = (check: string, message: string, todo: string): Finding => ({
  check,
  outcome: "warn",
  message,
  todo
})

/** @internal */
export const fail = (check: string, message: string, todo: string): Finding => ({
  check,
  outcome: "fail",
  message,
  todo
})
