/**
 * Which notices a channel takes.
 *
 * @internal
 */
import picomatch from "picomatch"
import { SuggestionSeverity } from "../request/Report.js"
import type { NotifyChannel } from "../settings/HealingConfig.js"
import type { Notice } from "./Notice.js"

type Asked = Pick<Notice, "job" | "kind" | "severity"> & { readonly suggests: boolean }

const rank = (severity: SuggestionSeverity): number => SuggestionSeverity.literals.indexOf(severity)

/**
 * The worse of two.
 *
 * @internal
 */
export const worse = (one: SuggestionSeverity, other: SuggestionSeverity): SuggestionSeverity =>
  rank(one) >= rank(other) ? one : other

/** @internal */
export const isFrom = (severity: SuggestionSeverity, from: SuggestionSeverity): boolean => rank(severity) >= rank(from)

/**
 * - `suggests`: whether it is a review with suggestions.
 *
 * @internal
 */
export const make = ({
  jobs,
  kinds,
  severity
}: Pick<NotifyChannel, "jobs" | "kinds" | "severity">): ((asked: Asked) => boolean) => {
  const isMeant = jobs === undefined ? undefined : picomatch([...jobs], { dot: true, bash: true })
  return (asked) => {
    const isOfKind =
      kinds === undefined || kinds.includes(asked.kind) || (asked.suggests && kinds.includes("SuggestionWaits"))
    if (!isOfKind || !isFrom(asked.severity, severity)) return false
    return isMeant === undefined || (asked.job !== null && isMeant(asked.job))
  }
}
