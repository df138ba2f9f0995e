/**
 * A review for a person to read.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Order from "effect/Order"
import type { HealingRequest } from "./HealingRequest.js"
import type { Report, Suggestion } from "./Report.js"
import { SuggestionSeverity } from "./Report.js"

/**
 * A request that has ended, as a page of Markdown (CommonMark): what its review has found, the most severe suggestions
 * first, or why there is nothing. What the reviewer has written stands there as it is.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { HealingQueue, reportMarkdown } from "effect-healing"
 *
 * const lastReview = Effect.gen(function* () {
 *   const queue = yield* HealingQueue
 *   const [last] = yield* queue.history({ job: "nightly-digest", limit: 1 })
 *   return last === undefined ? "There is none." : reportMarkdown(last)
 * })
 * ```
 *
 * @since 0.1.0
 * @category formatting
 */
export const reportMarkdown = (request: HealingRequest): string => {
  const { endedAt, id, job, reason, report, state, triggers } = request
  const when = endedAt === null ? "" : `, ${new Date(endedAt).toISOString()}`
  return [
    `# Review of ${line(job)}`,
    `${state}${when}, because of: ${triggers.map(line).join(", ")} (${code(id)})`,
    ...(reason === null ? [] : [reason]),
    ...(report === null ? [] : found(report))
  ]
    .join("\n\n")
    .concat("\n")
}

const found = (report: Report): ReadonlyArray<string> => [
  "## Summary",
  report.summary,
  ...(report.rootCause === undefined ? [] : ["## Root cause", report.rootCause]),
  ...(report.suggestions === undefined
    ? []
    : [
        "## Suggestions",
        ...(report.suggestions.length === 0 ? ["None."] : bySeverity(report.suggestions).flatMap(one))
      ]),
  ...(report.remarks === undefined ? [] : report.remarks.map((remark) => `**Remark:** ${remark}`)),
  ...(report.evidence === undefined || report.evidence.length === 0 ? [] : ["## Evidence", seen(report.evidence)]),
  ...spent(report)
]

const seen = (evidence: NonNullable<Report["evidence"]>): string =>
  evidence
    .map(
      ({ characters, remarks, title }) =>
        `- ${line(title)}: ${characters.toLocaleString("en")} characters${remarks.length === 0 ? "" : ` (${line(remarks.join("; "))})`}`
    )
    .join("\n")

/**
 * The most severe ones first.
 *
 * @internal
 */
export const bySeverity = Arr.sortBy(
  Order.mapInput(Order.reverse(Order.number), ({ severity }: Suggestion) =>
    SuggestionSeverity.literals.indexOf(severity)
  )
)

const one = (suggestion: Suggestion, index: number): ReadonlyArray<string> => {
  const { category, change, currentState, description, expectedImpact, proposedContent, severity, targetFile, title } =
    suggestion
  return [
    `### ${index + 1}. ${line(title)}`,
    `${severity}, ${category}${targetFile === null ? "" : `, in ${code(targetFile)}`}`,
    description,
    ...(currentState === null ? [] : [`**Now:** ${currentState}`]),
    `**Change:** ${change}`,
    ...(expectedImpact === null ? [] : [`**Expected impact:** ${expectedImpact}`]),
    ...(proposedContent === null ? [] : ["Proposed content:", fenced(proposedContent)])
  ]
}

const spent = ({ costUsd, model, tokens }: Report): ReadonlyArray<string> => {
  const parts = [
    ...(model === undefined ? [] : [line(model)]),
    ...(tokens === undefined ? [] : [`${tokens.total} tokens (${tokens.input} in, ${tokens.output} out)`]),
    ...(costUsd === undefined ? [] : [`${costUsd.toFixed(4)} USD`])
  ]
  return parts.length === 0 ? [] : ["---", parts.join(", ")]
}

const line = (text: string): string => text.replaceAll(/\s+/g, " ")

/** A fence, or a code span, ends at the first run of as many backticks as it has begun with. */
const ticks = (text: string, atLeast: number): string =>
  "`".repeat(Math.max(atLeast, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length + 1)))

const fenced = (text: string): string => {
  const fence = ticks(text, 3)
  return [fence, text.replace(/\n$/, ""), fence].join("\n")
}

const code = (text: string): string => {
  const fence = ticks(text, 1)
  const pad = /^`|`$/.test(text) ? " " : ""
  return `${fence}${pad}${line(text)}${pad}${fence}`
}
