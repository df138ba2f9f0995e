/**
 * What people and programs say, taken in or refused with what would be right.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import { closest, distance } from "fastest-levenshtein"
import { HealingInvalid } from "../HealingError.js"

/**
 * The message leaves out what was found, which may be anybody's secret.
 *
 * @internal
 */
export const expecting =
  (what: string) =>
  <A, I>(schema: Schema.Schema<A, I>): Schema.Schema<A, I> =>
    schema.annotations({ message: () => ({ message: `expected ${what}`, override: true }) })

/**
 * What may be left out. What is `undefined` has been left out before.
 *
 * @internal
 */
export const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/**
 * The same, with what then counts.
 *
 * @internal
 */
export const withDefault = <A, I>(schema: Schema.Schema<A, I>, fallback: () => NoInfer<A>) =>
  Schema.optionalWith(schema, { exact: true, default: fallback })

/**
 * The question that a misspelt name is answered with, or the names that there are if none of them is near. `show` writes a name.
 *
 * @internal
 */
export const didYouMean = (
  name: string,
  known: ReadonlyArray<string>,
  show: (meant: string) => string = identity
): string => {
  const nearest = closest(name, known)
  const isNear = distance(name.toLowerCase(), nearest.toLowerCase()) <= Math.max(2, Math.floor(name.length / 3))
  return isNear ? `did you mean ${show(nearest)}?` : `there are ${known.map(show).join(", ")}`
}

/**
 * Takes in an object, in which `undefined` counts as left out.
 *
 * @internal
 */
export const decode = <A, I>(schema: Schema.Schema<A, I>, keys: ReadonlyArray<string>) => {
  const parse = Schema.decodeUnknown(schema, { errors: "all", onExcessProperty: "error" })
  return (input: object): Effect.Effect<A, HealingInvalid> =>
    Effect.mapError(parse(Record.filter({ ...input }, Predicate.isNotUndefined)), (error) => {
      const issues = ParseResult.ArrayFormatter.formatErrorSync(error).map(({ _tag, message, path }) => ({
        path: path.join("."),
        message: _tag === "Unexpected" ? `is not known: ${didYouMean(String(path.at(-1)), keys)}` : message
      }))
      return new HealingInvalid({
        issues: Arr.isNonEmptyArray(issues) ? issues : [{ path: "", message: `expected ${keys.join(", ")}` }]
      })
    })
}
