/**
 * Options of a layer, taken in or refused.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { HealingConfigError } from "../HealingError.js"
import { decode } from "./Input.js"

/**
 * `layer`: whose options they are. What was found is not told: it may be a secret.
 *
 * @internal
 */
export const decodeOptions = <A, I>(
  layer: string,
  schema: Schema.Schema<A, I>,
  keys: ReadonlyArray<string>
): ((options: object) => Effect.Effect<A, HealingConfigError>) => {
  const take = decode(schema, keys)
  return (options) =>
    Effect.mapError(take(options), ({ issues }) => {
      const told = Arr.map(issues, ({ message, path }) => ({
        source: layer,
        key: path,
        found: "something else",
        expected: message.replace(/^expected /, "")
      }))
      return new HealingConfigError({ issues: told })
    })
}
