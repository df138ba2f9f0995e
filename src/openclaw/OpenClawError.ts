/**
 * Why a review by OpenClaw has failed.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { ReviewError } from "../HealingError.js"
import { signalOf } from "../internal/ExitCode.js"

/**
 * There is no such program. It is not tried again.
 *
 * @since 0.1.0
 * @category errors
 */
export class OpenClawNotFound extends Schema.TaggedError<OpenClawNotFound>("effect-healing/OpenClawNotFound")(
  "OpenClawNotFound",
  { command: Schema.String }
) {
  override get message(): string {
    return `there is no program "${this.command}": install OpenClaw, or name its path: option command, of the PM2 module openclaw_command`
  }
}

/**
 * The program cannot do what a review needs; `missing` says what. It is not tried again.
 *
 * @since 0.1.0
 * @category errors
 */
export class OpenClawTooOld extends Schema.TaggedError<OpenClawTooOld>("effect-healing/OpenClawTooOld")(
  "OpenClawTooOld",
  { command: Schema.String, missing: Schema.String }
) {
  override get message(): string {
    return `"${this.command}" ${this.missing}`
  }
}

/**
 * Whether a review has failed with this reason since OpenClaw is not there, or too old for any review.
 *
 * @internal
 */
export const isMissing = (reason: string): boolean =>
  reason.startsWith("there is no program ") || /^".*" cannot (?:restrict the tools|take a turn)/.test(reason)

/**
 * It is not certain that the tools of a review can be restricted; `detail` says what to do. It is not tried again.
 *
 * @since 0.1.0
 * @category errors
 */
export class OpenClawUnrestricted extends Schema.TaggedError<OpenClawUnrestricted>(
  "effect-healing/OpenClawUnrestricted"
)("OpenClawUnrestricted", { detail: Schema.String }) {
  override get message(): string {
    return `it is unknown which model OpenClaw would ask, and what else that can do: ${this.detail}`
  }
}

/**
 * The provider, or OpenClaw, does not have the model; `detail` is what it has said. It is not tried again.
 *
 * @since 0.1.0
 * @category errors
 */
export class OpenClawModelUnknown extends Schema.TaggedError<OpenClawModelUnknown>(
  "effect-healing/OpenClawModelUnknown"
)("OpenClawModelUnknown", { detail: Schema.String }) {
  override get message(): string {
    return `OpenClaw has no such model (${this.detail}): name one that it lists with "openclaw models list", by the option model, of the PM2 module model`
  }
}

/**
 * OpenClaw has ended without an answer. It is tried again after a back-off.
 *
 * - `exitCode`: `null` if there is none. A signal that ends OpenClaw counts as 128 plus its number.
 * - `detail`: what it has said of it, or what was wrong with what it has printed.
 * - `stderr`: the end of its diagnostics, at most 2,000 characters without secrets.
 *
 * @since 0.1.0
 * @category errors
 */
export class OpenClawFailed extends Schema.TaggedError<OpenClawFailed>("effect-healing/OpenClawFailed")(
  "OpenClawFailed",
  { exitCode: Schema.NullOr(Schema.Int), detail: Schema.String, stderr: Schema.String }
) {
  override get message(): string {
    const signal = this.exitCode === null ? undefined : signalOf(this.exitCode)
    const code = this.exitCode === null ? "" : ` with exit code ${this.exitCode}`
    const how = signal === undefined ? `OpenClaw has failed${code}` : `OpenClaw was killed by ${signal}`
    return `${how}: ${this.detail}${this.stderr === "" ? "" : `\n${this.stderr}`}`
  }
}

/**
 * OpenClaw did not answer within the setting `reviewTimeout`. It is tried again after a back-off.
 *
 * @since 0.1.0
 * @category errors
 */
export class OpenClawTimedOut extends Schema.TaggedError<OpenClawTimedOut>("effect-healing/OpenClawTimedOut")(
  "OpenClawTimedOut",
  { detail: Schema.String }
) {
  override get message(): string {
    return `OpenClaw has given no answer in time: ${this.detail}`
  }
}

/**
 * The provider of the model refuses further requests, until `until` (milliseconds since 1970) if it has told.
 *
 * @since 0.1.0
 * @category errors
 */
export class OpenClawRateLimited extends Schema.TaggedError<OpenClawRateLimited>("effect-healing/OpenClawRateLimited")(
  "OpenClawRateLimited",
  { detail: Schema.String, until: Schema.optional(Schema.Finite) }
) {
  override get message(): string {
    return `OpenClaw's provider limits the rate of requests: ${this.detail}`
  }
}

/**
 * OpenClaw has answered twice, and neither answer is a report. It is tried again after a back-off.
 *
 * - `issues`: what is wrong with the last one; at most 20.
 * - `excerpt`: its beginning, at most 500 characters without secrets.
 *
 * @since 0.1.0
 * @category errors
 */
export class MalformedReport extends Schema.TaggedError<MalformedReport>("effect-healing/MalformedReport")(
  "MalformedReport",
  { issues: Schema.Array(Schema.String), excerpt: Schema.String }
) {
  override get message(): string {
    return `OpenClaw's answer is no report:\n${this.issues.join("\n")}\nIt begins with: ${this.excerpt}`
  }
}

/**
 * What the review would be about could not be had. It is tried again after a back-off.
 *
 * @since 0.1.0
 * @category errors
 */
export class EvidenceUnavailable extends Schema.TaggedError<EvidenceUnavailable>("effect-healing/EvidenceUnavailable")(
  "EvidenceUnavailable",
  { detail: Schema.String }
) {
  override get message(): string {
    return `the evidence could not be had: ${this.detail}`
  }
}

/**
 * The supervisor does not have the job, or not yet; `detail` says which. The request waits, for a day at most.
 *
 * @since 0.1.0
 * @category errors
 */
export class JobMissing extends Schema.TaggedError<JobMissing>("effect-healing/JobMissing")("JobMissing", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/**
 * Why a review by OpenClaw has failed; it is the `cause` of the `ReviewError`.
 *
 * @since 0.1.0
 * @category errors
 */
export type OpenClawError =
  | OpenClawNotFound
  | OpenClawTooOld
  | OpenClawUnrestricted
  | OpenClawModelUnknown
  | OpenClawFailed
  | OpenClawTimedOut
  | OpenClawRateLimited
  | MalformedReport
  | EvidenceUnavailable
  | JobMissing

/** @internal */
export const toReviewError = (job: string, error: OpenClawError): ReviewError =>
  new ReviewError({ job, reason: error.message, retry: retryOf(error), cause: error })

const retryOf = (error: OpenClawError): ReviewError["retry"] => {
  switch (error._tag) {
    case "OpenClawNotFound":
    case "OpenClawTooOld":
    case "OpenClawUnrestricted":
    case "OpenClawModelUnknown":
      return { _tag: "Never" }
    case "JobMissing":
      return { _tag: "NotYet" }
    case "OpenClawRateLimited":
      return { _tag: "RateLimited", ...(error.until !== undefined && { until: error.until }) }
    default:
      return { _tag: "Backoff" }
  }
}
