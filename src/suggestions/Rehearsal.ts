/**
 * What rules for automatic application would have done, before they are switched on.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { decode, expecting, optional } from "../internal/Input.js"
import type { HealingSuggestion } from "../request/HealingSuggestion.js"
import * as AutoApply from "../settings/AutoApply.js"

/**
 * - `rules`: which ones; those of the settings by default.
 * - `since`: suggestions of reviews that have ended since then, in milliseconds since 1970; 30 days ago by default.
 *
 * @since 0.1.0
 * @category models
 */
export interface RehearsalOptions {
  readonly rules?: ReadonlyArray<AutoApply.AutoApplyRule> | undefined
  readonly since?: number | undefined
}

/**
 * What rules would have done with a suggestion:
 *
 * - `applied`: `rule` is the name of the one that would have applied it. What people did with it, and what became of that, stands in
 *   `suggestion`.
 * - `left`: they would have left it to a person, as things are now.
 * - `unknown`: it cannot be told any more, since the file has changed and nobody has kept what it was.
 *
 * `why`: for the last two, why.
 *
 * @since 0.1.0
 * @category models
 */
export interface Rehearsed {
  readonly suggestion: HealingSuggestion
  readonly outcome: "applied" | "left" | "unknown"
  readonly rule: string | null
  readonly why: ReadonlyArray<string>
}

const Options = Schema.Struct({
  rules: optional(AutoApply.inCode),
  since: optional(expecting("an instant in milliseconds since 1970")(Schema.Int))
})

/** @internal */
export const decodeOptions = decode(Options, Object.keys(Options.fields))
