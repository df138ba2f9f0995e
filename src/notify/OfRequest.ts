/**
 * What is told of a request that has ended.
 *
 * @internal
 */
import { isMissing } from "../openclaw/OpenClawError.js"
import { isNeedless } from "../queue/Needless.js"
import type { HealingRequest } from "../request/HealingRequest.js"
import type { Report, Suggestion, SuggestionSeverity } from "../request/Report.js"
import { UNKNOWN_FAILURE } from "../request/RequestLife.js"
import { causeOf } from "../scheduler/FailureSignature.js"
import type { NoticeChange } from "../store/NoticeJournal.js"
import * as Filter from "./Filter.js"
import type { Draft } from "./Notice.js"
import { shellWord } from "./ShellWord.js"

/**
 * Kinds that are told again once a job has recovered.
 *
 * @internal
 */
export const OF_A_FAILURE = ["JobFailing", "ReviewCompleted", "ReviewFailed", "ReviewSkipped"] as const

/**
 * A review has come to a good end: so OpenClaw is there, and another one of the job that fails is news.
 *
 * @internal
 */
export const forgottenBy = ({ job }: Pick<HealingRequest, "job">): ReadonlyArray<NoticeChange> => [
  { _tag: "Forget", job: "", kinds: ["OpenClawMissing"] },
  { _tag: "Forget", job, kinds: ["ReviewFailed", "ReviewSkipped"] }
]

const severityOf = ({ suggestions = [] }: Pick<Report, "suggestions">): SuggestionSeverity =>
  suggestions.reduce<SuggestionSeverity>((worst, { severity }) => Filter.worse(worst, severity), "low")

/**
 * The same for two reviews of which the second tells nothing new. What a person has asked for is always told.
 */
const subjectOf = ({ report, signatures, triggers }: HealingRequest): string | undefined => {
  if (triggers.includes("manual")) return undefined
  const causes = Array.from(new Set(signatures.map(causeOf))).sort()
  if (causes.length > 0) return causes.join(" ")
  if (!triggers.every((trigger) => trigger === "schedule")) return UNKNOWN_FAILURE
  const found = (report?.suggestions ?? []).map(
    ({ category, severity, targetFile }) => `${category} ${severity} ${targetFile ?? ""}`
  )
  return `schedule ${found.sort().join(", ")}`
}

const aSuggestion = (one: Suggestion, index: number): string => `${index + 1}. ${one.title} (${one.severity})`

const ofReport = (
  request: HealingRequest,
  report: Report
): Omit<Draft, "at" | "kind" | "job" | "request" | "signature" | "subject"> => {
  const { costUsd, rootCause, suggestions = [], summary } = report
  return {
    severity: severityOf(report),
    title: `${request.job} was reviewed`,
    cause: rootCause ?? summary,
    details: suggestions.map(aSuggestion),
    todo:
      suggestions.length === 0
        ? "Read the report: it proposes no change"
        : "Look at what it proposes, and decide: nothing is changed until you have",
    command: `effect-healing report ${shellWord(request.id)}`,
    ...(costUsd !== undefined && { costUsd })
  }
}

/**
 * `undefined` if it is nothing that anybody wants to hear.
 *
 * - `reviewsFrom`: from which severity on a completed review is told of.
 *
 * @internal
 */
export const draftOf = (request: HealingRequest, reviewsFrom: SuggestionSeverity): Draft | undefined => {
  const { endedAt, id, job, reason, report, signatures, state, submittedAt } = request
  const why = reason ?? "it is not known why"
  const subject = subjectOf(request)
  const common = {
    at: endedAt ?? submittedAt,
    job,
    request: id,
    ...(subject !== undefined && { subject }),
    ...(signatures[0] !== undefined && { signature: signatures[0] })
  }
  if (state === "completed") {
    if (report === null) return undefined
    const draft = ofReport(request, report)
    return Filter.isFrom(draft.severity, reviewsFrom) ? { ...common, ...draft, kind: "ReviewCompleted" } : undefined
  }
  if (state === "failed" && isMissing(why)) {
    return {
      at: common.at,
      kind: "OpenClawMissing",
      severity: "low",
      title: "Nothing is reviewed: OpenClaw is missing, or too old",
      cause: why,
      todo: "Install OpenClaw 2026.8.1 or newer, or name its path, then ask for the review again",
      command: "effect-healing doctor",
      subject: "openclaw"
    }
  }
  if (state === "failed") {
    return {
      ...common,
      kind: "ReviewFailed",
      severity: "high",
      title: `The review of ${job} has failed for good`,
      cause: why,
      todo: `Mend what it says, then ask again: effect-healing heal ${shellWord(job)}`,
      command: `effect-healing show ${shellWord(id)}`
    }
  }
  if (state === "skipped" && !isNeedless(reason)) {
    return {
      ...common,
      kind: "ReviewSkipped",
      severity: "low",
      title: `${job} was not reviewed`,
      cause: why,
      todo: `If you want it reviewed all the same: effect-healing heal ${shellWord(job)}`,
      command: `effect-healing show ${shellWord(id)}`
    }
  }
  return undefined
}
