/**
 * What somebody has asked for in a way that does not fit.
 *
 * @internal
 */
import type { HttpApiDecodeError } from "@effect/platform/HttpApiError"
import * as Arr from "effect/Array"
import { HealingInvalid } from "../HealingError.js"
import { didYouMean } from "../internal/Input.js"

/** How many issues are told, and how much of each. */
const MAX_ISSUES = 20
const MAX_NAME = 100
const MAX_MESSAGE = 500

/** The names in a list such as `"job" | "state"`. */
const namesIn = (message: string): ReadonlyArray<string> =>
  Array.from(message.matchAll(/"([^"]+)"/g), ([, name = ""]) => name)

/**
 * One issue for each place, with what would be right there.
 *
 * @internal
 */
export const invalid = ({ issues }: HttpApiDecodeError): HealingInvalid => {
  const found = issues.slice(0, MAX_ISSUES).map(({ _tag, message, path }) => {
    const known = namesIn(message)
    const isUnknown = _tag === "Unexpected" && known.length > 0
    const name = String(path.at(-1)).slice(0, MAX_NAME)
    if (path.length === 0) return { path: "", message: "expected a JSON object, as /openapi.json describes it" }
    return {
      path: path.map((part) => String(part).slice(0, MAX_NAME)).join("."),
      message: (isUnknown ? `is not known: ${didYouMean(name, known)}` : message).slice(0, MAX_MESSAGE)
    }
  })
  return new HealingInvalid({
    issues: Arr.isNonEmptyArray(found) ? found : [{ path: "", message: "it does not fit: see /openapi.json" }]
  })
}
