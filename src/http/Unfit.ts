/**
 * What somebody has asked for in a way that does not fit.
 *
 * @internal
 */
import type { HttpApiDecodeError } from "@effect/platform/HttpApiError"
import * as Arr from "effect/Array"
import { HealingInvalid } from "../HealingError.js"
import { didYouMean } from "../internal/Input.js"

/** The names in a list such as `"job" | "state"`. */
const namesIn = (message: string): ReadonlyArray<string> =>
  Array.from(message.matchAll(/"([^"]+)"/g), ([, name = ""]) => name)

/**
 * One issue for each place, with what would be right there.
 *
 * @internal
 */
export const invalid = ({ issues }: HttpApiDecodeError): HealingInvalid => {
  const found = issues.map(({ _tag, message, path }) => {
    const known = namesIn(message)
    const isUnknown = _tag === "Unexpected" && known.length > 0
    return {
      path: path.map(String).join("."),
      message: isUnknown ? `is not known: ${didYouMean(String(path.at(-1)), known)}` : message
    }
  })
  return new HealingInvalid({
    issues: Arr.isNonEmptyArray(found) ? found : [{ path: "", message: "it does not fit: see /openapi.json" }]
  })
}
