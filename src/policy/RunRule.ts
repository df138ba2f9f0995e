/**
 * What a policy wants of the runs of a job beyond their exit codes.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { expecting, optional } from "../internal/Input.js"

/**
 * The names of what happens when a run is not as its policy wants it: `missed_run` (`expectedEvery`), `too_long` (`maxDuration`), `too_short`
 * (`minDuration`), `bad_output` (`output`).
 *
 * @since 0.1.0
 * @category schemas
 */
export const RunTrigger = Schema.Literal("missed_run", "too_long", "too_short", "bad_output")

/**
 * @since 0.1.0
 * @category models
 */
export type RunTrigger = typeof RunTrigger.Type

/** @internal */
export const isRunTrigger: (trigger: string) => trigger is RunTrigger = Schema.is(RunTrigger)

/**
 * Whether it is one failure of which the same may come again, and which is reviewed once.
 *
 * @internal
 */
export const isFailure = (trigger: string): boolean => trigger === "failure" || isRunTrigger(trigger)

/** Of a line, what stands behind so many characters is not looked at. */
const MAX_LINE = 1000

const MAX_TEXTS = 16

const texts = expecting(`a list of 1 to ${MAX_TEXTS} texts of 1 to 200 characters`)(
  Schema.Array(Schema.NonEmptyString.pipe(Schema.maxLength(200))).pipe(Schema.minItems(1), Schema.maxItems(MAX_TEXTS))
)

/**
 * What a run that has ended well must have printed, and must not have, each a text that stands in a line, or a glob with `*` and `?` for a whole
 * line. Of each line the first 1,000 characters are looked at.
 *
 * - `must`: all of these, each in some line.
 * - `mustNot`: none of these.
 *
 * @since 0.1.0
 * @category schemas
 */
export const OutputRule = Schema.Struct({ must: optional(texts), mustNot: optional(texts) }).pipe(
  Schema.filter(({ must, mustNot }) =>
    must === undefined && mustNot === undefined ? "expected must, mustNot or both" : undefined
  )
)

/**
 * @since 0.1.0
 * @category models
 */
export type OutputRule = typeof OutputRule.Type

/**
 * Whether a whole line is as a glob says, in which `*` stands for any signs and `?` for one. It takes no more steps than both are long,
 * multiplied: an expression would take exponentially many for some globs.
 */
const isLike = (glob: string, line: string): boolean => {
  let [atGlob, atLine, lastStar, afterStar] = [0, 0, -1, 0]
  while (atLine < line.length) {
    if (glob[atGlob] === "*") {
      lastStar = atGlob++
      afterStar = atLine
    } else if (atGlob < glob.length && (glob[atGlob] === "?" || glob[atGlob] === line[atLine])) {
      atGlob++
      atLine++
    } else if (lastStar >= 0) {
      // The last star stands for one sign more.
      atGlob = lastStar + 1
      atLine = ++afterStar
    } else return false
  }
  while (glob[atGlob] === "*") atGlob++
  return atGlob === glob.length
}

const isIn = (text: string): ((line: string) => boolean) =>
  /[*?]/.test(text) ? (line) => isLike(text, line) : (line) => line.includes(text)

/**
 * What is wrong with these lines; `undefined` if nothing is.
 *
 * - `isWhole`: whether all is there that was printed. Otherwise it cannot be told what is missing.
 *
 * @internal
 */
export const problemOf = (rule: OutputRule, lines: ReadonlyArray<string>, isWhole: boolean): string | undefined => {
  const seen = lines.map((line) => line.slice(0, MAX_LINE).trimEnd())
  const bad = rule.mustNot?.find((text) => seen.some(isIn(text)))
  if (bad !== undefined) return `it has printed ${JSON.stringify(bad)}, which it must not`
  const missing = isWhole ? rule.must?.find((text) => !seen.some(isIn(text))) : undefined
  return missing === undefined ? undefined : `it has not printed ${JSON.stringify(missing)}, which it must`
}
