/**
 * How a notice reads, for channels that take text.
 *
 * @internal
 */
import { count } from "../internal/Plural.js"
import type { SuggestionSeverity } from "../request/Report.js"
import type { Notice } from "./Notice.js"

const MARKS: Readonly<Record<SuggestionSeverity, string>> = { critical: "🔴", high: "🟠", medium: "🟡", low: "🔵" }

/** The title, by which people tell notices apart at a glance. */
export const titleOf = ({ severity, title }: Notice): string => `${MARKS[severity]} ${title}`

const cost = (usd: number): string => `It has cost $${usd.toFixed(usd < 0.1 ? 4 : 2)}.`

/**
 * What stands below the title, a line each. What matters most comes first: a channel with little room cuts the end off.
 *
 * @internal
 */
export const linesOf = ({ cause, command, costUsd, details, file, todo }: Notice): ReadonlyArray<string> => [
  ...(cause === null ? [] : [`Cause: ${cause}`]),
  todo,
  ...(command === null ? [] : [`More: ${command}`]),
  ...details,
  ...(file === null ? [] : [`File: ${file}`]),
  ...(costUsd === null ? [] : [cost(costUsd)])
]

/**
 * As many whole lines as fit into so many units, as `size` counts them. The first one is cut, if it alone is too long.
 *
 * @internal
 */
export const within = (
  lines: ReadonlyArray<string>,
  max: number,
  size: (text: string) => number = (text) => text.length
): string => {
  const [first = "", ...others] = lines
  let text = first
  while (size(text) > max)
    text = Array.from(text)
      .slice(0, -Math.max(1, Math.ceil((size(text) - max) / 4)))
      .join("")
  const omitted = (number: number) => (number === 0 ? "" : `\n… and ${count(number, "more line")}`)
  for (const [index, line] of others.entries()) {
    const longer = `${text}\n${line}`
    const left = others.length - index - 1
    if (size(longer + omitted(left)) > max) {
      const end = omitted(left + 1)
      return size(text + end) > max ? text : text + end
    }
    text = longer
  }
  return text
}
