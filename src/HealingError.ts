/**
 * Every typed error of the package, and what a healing can be held up by.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

/**
 * One thing that keeps a healing from its turn. Lists of names hold the first 100.
 *
 * - `Disabled`: the setting `enabled` is off, so nothing is started.
 * - `Paused`: the durable queue was paused, until somebody resumes it.
 * - `RateLimited`: a reviewer was told to come back later, so the durable queue waits until then.
 * - `DailyLimit`: `maxReviewsPerDay` automatic reviews have begun within 24 hours.
 * - `StoreFailing`: what has happened cannot be written, so no further review is begun; `reason` says why not.
 * - `NotBefore`: the request is to wait for its cool-down, or for another try.
 * - `Jobs`: these OpenClaw jobs run.
 * - `UnknownSources`: these sources do not know what runs, which counts as busy (R16).
 * - `QuietPeriod`: nothing runs, but not for long enough yet.
 * - `Turn`: every turn is taken by the reviews of these jobs.
 *
 * @since 0.1.0
 * @category models
 */
export const HeldBy = Schema.Union(
  Schema.TaggedStruct("Disabled", {}),
  Schema.TaggedStruct("Paused", {}),
  Schema.TaggedStruct("RateLimited", { remaining: Schema.Duration }),
  Schema.TaggedStruct("DailyLimit", { remaining: Schema.Duration }),
  Schema.TaggedStruct("StoreFailing", { reason: Schema.String }),
  Schema.TaggedStruct("NotBefore", { remaining: Schema.Duration }),
  Schema.TaggedStruct("Jobs", { jobs: Schema.Array(Schema.String) }),
  Schema.TaggedStruct("UnknownSources", {
    sources: Schema.Array(Schema.Struct({ name: Schema.String, reason: Schema.String }))
  }),
  Schema.TaggedStruct("QuietPeriod", { remaining: Schema.Duration }),
  Schema.TaggedStruct("Turn", { reviews: Schema.Array(Schema.String) })
)

/**
 * @since 0.1.0
 * @category models
 */
export type HeldBy = typeof HeldBy.Type

/** @internal */
export const MAX_NAMES = 100

/**
 * Errors of the gate are made with it: a name that is no string after all, from a caller without types, must not break the gate.
 *
 * @internal
 */
export const unchecked = { disableValidation: true }

const names = (all: ReadonlyArray<string>): string =>
  all.length > 3 ? `${all.slice(0, 3).join(", ")} and ${all.length - 3} more` : all.join(", ")

/** A duration in whole seconds, or in milliseconds below one: nobody reads more of it. */
const period = (duration: Duration.Duration): string => {
  const millis = Duration.toMillis(duration)
  return Duration.format(Duration.millis(millis < 1000 ? Math.ceil(millis) : Math.ceil(millis / 1000) * 1000))
}

/** @internal */
export const describeHeldBy = (heldBy: HeldBy): string => {
  switch (heldBy._tag) {
    case "Disabled":
      return "healing is switched off (enabled = false)"
    case "Paused":
      return "a pause of the queue"
    case "RateLimited":
      return `a rate limit, for another ${period(heldBy.remaining)}`
    case "DailyLimit":
      return `the limit of reviews per day, for another ${period(heldBy.remaining)}`
    case "StoreFailing":
      return `a store that fails: ${heldBy.reason}`
    case "NotBefore":
      return `its cool-down or back-off, ${period(heldBy.remaining)} of it left`
    case "Jobs":
      return `OpenClaw jobs running: ${names(heldBy.jobs)}`
    case "UnknownSources":
      return `unknown: ${names(heldBy.sources.map(({ name, reason }) => `${name} (${reason})`))}`
    case "QuietPeriod":
      return `the quiet period, ${period(heldBy.remaining)} of it left`
    case "Turn":
      return `the review of ${names(heldBy.reviews)}`
  }
}

/**
 * The healing had no turn within its max wait (R6). It did not run, and it never will: try again, or let it be.
 *
 * - `job`: whose healing it was.
 * - `waited`: from the call until now.
 * - `heldBy`: everything that held it up at this instant.
 * - `ahead`: how many healings stood before it in the line.
 *
 * @since 0.1.0
 * @category errors
 */
export class HealingTimeout extends Schema.TaggedError<HealingTimeout>("effect-healing/HealingTimeout")(
  "HealingTimeout",
  {
    job: Schema.String,
    waited: Schema.Duration,
    heldBy: Schema.Array(HeldBy),
    ahead: Schema.NonNegativeInt
  }
) {
  override get message(): string {
    const reasons = this.heldBy.map(describeHeldBy).join("; ")
    const line = this.ahead === 0 ? "" : ` (${this.ahead} ahead of it)`
    return `The healing of "${this.job}" had no turn in ${period(this.waited)}${line}. Held up by ${reasons}`
  }
}

/**
 * A healing was asked for from inside a job that it would wait for, or from inside a review (R9): waiting would never
 * end. Ask for it outside, or wrap the call in `HealingService.detached` when nobody in there waits for it.
 *
 * - `job`: whose healing was asked for.
 * - `inside`: whether the caller is inside of a job or of a review.
 * - `outer`: the name of that job, or of the job that is reviewed.
 *
 * @since 0.1.0
 * @category errors
 */
export class HealingDeadlock extends Schema.TaggedError<HealingDeadlock>("effect-healing/HealingDeadlock")(
  "HealingDeadlock",
  {
    job: Schema.String,
    inside: Schema.Literal("job", "review"),
    outer: Schema.String
  }
) {
  override get message(): string {
    const inside = this.inside === "job" ? `the OpenClaw job "${this.outer}"` : `the review of "${this.outer}"`
    return (
      `The healing of "${this.job}" was asked for from inside ${inside}, for whose end it would wait: ` +
      "ask for it afterwards, or inside of HealingService.detached if nobody in there waits for it"
    )
  }
}

/**
 * The service was closed while the healing waited, or before it was asked for (R11).
 *
 * @since 0.1.0
 * @category errors
 */
export class HealingClosed extends Schema.TaggedError<HealingClosed>("effect-healing/HealingClosed")("HealingClosed", {
  job: Schema.String
}) {
  override get message(): string {
    return `The healing of "${this.job}" cannot run: the healing service is closed`
  }
}

/**
 * One bad setting.
 *
 * - `source`: where it stands: `code`, `environment`, or the path of the file.
 * - `key`: the setting as it is spelt there, or the file itself when that cannot be read.
 * - `found`: what stands there, at most 200 characters of it.
 * - `expected`: what would be right.
 *
 * @since 0.1.0
 * @category models
 */
export const ConfigIssue = Schema.Struct({
  source: Schema.String,
  key: Schema.String,
  found: Schema.String,
  expected: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export type ConfigIssue = typeof ConfigIssue.Type

/**
 * Settings were refused. All bad ones are named at once.
 *
 * @since 0.1.0
 * @category errors
 */
export class HealingConfigError extends Schema.TaggedError<HealingConfigError>("effect-healing/HealingConfigError")(
  "HealingConfigError",
  { issues: Schema.NonEmptyArray(ConfigIssue) }
) {
  override get message(): string {
    return Arr.map(
      this.issues,
      ({ expected, found, key, source }) => `${key} (${source}): expected ${expected}, found ${found}`
    ).join("\n")
  }
}

/**
 * A request, a question about requests, or what a `JobRegistry` was told, was refused because of what it says.
 *
 * - `issues`: what is wrong, each with the path to it.
 *
 * @since 0.1.0
 * @category errors
 */
export class HealingInvalid extends Schema.TaggedError<HealingInvalid>("effect-healing/HealingInvalid")(
  "HealingInvalid",
  { issues: Schema.NonEmptyArray(Schema.Struct({ path: Schema.String, message: Schema.String })) }
) {
  override get message(): string {
    return Arr.map(this.issues, ({ message, path }) => (path === "" ? message : `${path}: ${message}`)).join("\n")
  }
}

/**
 * There is no request with this id: it was never made, or it ended longer ago than `retention` and was removed.
 *
 * @since 0.1.0
 * @category errors
 */
export class HealingNotFound extends Schema.TaggedError<HealingNotFound>("effect-healing/HealingNotFound")(
  "HealingNotFound",
  { id: Schema.String }
) {
  override get message(): string {
    return `There is no request ${this.id}: it was never made, or it has ended longer ago than retention and was removed`
  }
}

/**
 * As many requests are pending as the setting `maxPending` allows, and this one would be another. Nothing was recorded.
 *
 * @since 0.1.0
 * @category errors
 */
export class HealingQueueFull extends Schema.TaggedError<HealingQueueFull>("effect-healing/HealingQueueFull")(
  "HealingQueueFull",
  { job: Schema.String, maxPending: Schema.Int }
) {
  override get message(): string {
    return `The request for "${this.job}" was refused: as many requests are pending as maxPending allows (${this.maxPending}). Allow more, or ask again when some have ended`
  }
}

/**
 * The request was not reviewed: the reviewer saw nothing to review, or its max wait had passed; `reason` says which.
 *
 * @since 0.1.0
 * @category errors
 */
export class HealingSkipped extends Schema.TaggedError<HealingSkipped>("effect-healing/HealingSkipped")(
  "HealingSkipped",
  { id: Schema.String, job: Schema.String, reason: Schema.String }
) {
  override get message(): string {
    return `The review of "${this.job}" was skipped: ${this.reason}`
  }
}

/**
 * The request was cancelled while somebody waited for its review.
 *
 * @since 0.1.0
 * @category errors
 */
export class HealingCancelled extends Schema.TaggedError<HealingCancelled>("effect-healing/HealingCancelled")(
  "HealingCancelled",
  { id: Schema.String, job: Schema.String }
) {
  override get message(): string {
    return `The healing of "${this.job}" was cancelled (${this.id})`
  }
}

/**
 * What to do after a review that failed.
 *
 * - `Never`: it would fail again.
 * - `Backoff`: try again later, up to `maxAttempts` in all.
 * - `RateLimited`: no review would succeed now. The whole queue waits, until the given time (milliseconds since 1970) if
 *   it is known and at most a day, else from a minute up to an hour, longer each time. No attempt is counted.
 * - `NotYet`: what it is about is not there yet. The request waits for another minute, and no attempt, no cool-down and no review of
 *   the day is counted. Those who wait in `heal` are told at once that it was skipped.
 *
 * @since 0.1.0
 * @category models
 */
export const ReviewRetry = Schema.Union(
  Schema.TaggedStruct("Never", {}),
  Schema.TaggedStruct("Backoff", {}),
  Schema.TaggedStruct("RateLimited", { until: Schema.optional(Schema.Finite) }),
  Schema.TaggedStruct("NotYet", {})
)

/**
 * @since 0.1.0
 * @category models
 */
export type ReviewRetry = typeof ReviewRetry.Type

/**
 * A review failed. `reason` is kept with the request and must hold no secret; of it the first 2,000 characters are kept.
 * `cause` is the reviewer's own error, for callers of `heal` that want to tell one from another.
 *
 * @example
 * ```ts
 * import { ReviewError } from "effect-healing"
 *
 * new ReviewError({ job: "nightly-digest", reason: "exit code 1", retry: { _tag: "Backoff" } })
 * new ReviewError({
 *   job: "nightly-digest",
 *   reason: "429 Too Many Requests",
 *   retry: { _tag: "RateLimited", until: Date.now() + 60_000 }
 * })
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class ReviewError extends Schema.TaggedError<ReviewError>("effect-healing/ReviewError")("ReviewError", {
  job: Schema.String,
  reason: Schema.String,
  retry: ReviewRetry,
  cause: Schema.optional(Schema.Defect)
}) {
  override get message(): string {
    return `The review of "${this.job}" failed: ${this.reason}`
  }
}

/**
 * There is no suggestion with this id: it was never made, or it ended longer ago than `retention` and was removed.
 *
 * @since 0.1.0
 * @category errors
 */
export class SuggestionNotFound extends Schema.TaggedError<SuggestionNotFound>("effect-healing/SuggestionNotFound")(
  "SuggestionNotFound",
  { id: Schema.String }
) {
  override get message(): string {
    return `There is no suggestion ${this.id}: it was never made, or it has ended longer ago than retention and was removed`
  }
}

/**
 * A suggestion cannot be decided on any more: somebody has done so, or it has come to its end. Nothing was changed.
 *
 * - `state`: what it is, since `at`, in milliseconds since 1970.
 * - `who`, `door`: who has made it that, and through which door.
 *
 * @since 0.1.0
 * @category errors
 */
export class SuggestionDecided extends Schema.TaggedError<SuggestionDecided>("effect-healing/SuggestionDecided")(
  "SuggestionDecided",
  { id: Schema.String, state: Schema.String, at: Schema.Int, who: Schema.String, door: Schema.String }
) {
  override get message(): string {
    const when = new Date(this.at).toISOString()
    return `The suggestion ${this.id} is ${this.state} since ${when}, by ${this.who} (${this.door}): nothing was changed`
  }
}

/**
 * A suggestion cannot be approved, applied or taken back as things are. Nothing was changed.
 *
 * - `checks`: those that have failed, each with what would have to be true.
 *
 * @since 0.1.0
 * @category errors
 */
export class SuggestionRefused extends Schema.TaggedError<SuggestionRefused>("effect-healing/SuggestionRefused")(
  "SuggestionRefused",
  { id: Schema.String, checks: Schema.NonEmptyArray(Schema.Struct({ check: Schema.String, detail: Schema.String })) }
) {
  override get message(): string {
    const checks = this.checks.map(({ check, detail }) => `${check}: ${detail}`).join("; ")
    return `The suggestion ${this.id} is refused, and nothing was changed. ${checks}`
  }
}

/**
 * What was approved, or is to be, is not what there is now (R19). Nothing was written. Look at a new preview, and decide on that.
 *
 * @since 0.1.0
 * @category errors
 */
export class SuggestionStale extends Schema.TaggedError<SuggestionStale>("effect-healing/SuggestionStale")(
  "SuggestionStale",
  { id: Schema.String, detail: Schema.String }
) {
  override get message(): string {
    return `The suggestion ${this.id} is stale, and nothing was written: ${this.detail}. Look at a new preview, and decide on that`
  }
}

/**
 * Applications are stopped, by the setting `stopped`, by the stop file, or by a person. Nothing was written.
 *
 * - `by`: which of the three.
 * - `detail`: what to do.
 *
 * @since 0.1.0
 * @category errors
 */
export class SuggestionsStopped extends Schema.TaggedError<SuggestionsStopped>("effect-healing/SuggestionsStopped")(
  "SuggestionsStopped",
  { by: Schema.Literal("setting", "file", "person"), detail: Schema.String }
) {
  override get message(): string {
    return `Nothing is applied: ${this.detail}`
  }
}

/**
 * A run of the job has not ended within `suggestions.applyWait`, so its file was not changed. The suggestion is still approved.
 *
 * @since 0.1.0
 * @category errors
 */
export class SuggestionBusy extends Schema.TaggedError<SuggestionBusy>("effect-healing/SuggestionBusy")(
  "SuggestionBusy",
  { id: Schema.String, job: Schema.String, waited: Schema.Duration }
) {
  override get message(): string {
    const waited =
      Duration.toMillis(this.waited) === 0 ? "" : `, for ${period(this.waited)} by now (suggestions.applyWait)`
    return `The suggestion ${this.id} was not applied: its job "${this.job}" runs, or it is not known whether it does${waited}. It is still approved`
  }
}

/**
 * A change cannot be taken back, since somebody has edited the file since. Nothing was changed.
 *
 * - `diff`: from what was applied to what is there now, without secrets; `null` if it cannot be shown.
 *
 * @since 0.1.0
 * @category errors
 */
export class SuggestionEdited extends Schema.TaggedError<SuggestionEdited>("effect-healing/SuggestionEdited")(
  "SuggestionEdited",
  { id: Schema.String, path: Schema.String, diff: Schema.NullOr(Schema.String) }
) {
  override get message(): string {
    return `The suggestion ${this.id} is not taken back, and nothing was changed: somebody has edited ${this.path} since it was applied${this.diff === null ? "" : `\n${this.diff}`}`
  }
}

/**
 * The file of a suggestion could not be written, or does not hold what was to stand in it. It is as it was before, or as somebody else has
 * made it meanwhile: `detail` says which.
 *
 * - `state`: what the suggestion is now.
 *
 * @since 0.1.0
 * @category errors
 */
export class SuggestionNotWritten extends Schema.TaggedError<SuggestionNotWritten>(
  "effect-healing/SuggestionNotWritten"
)("SuggestionNotWritten", { id: Schema.String, path: Schema.String, state: Schema.String, detail: Schema.String }) {
  override get message(): string {
    return `The suggestion ${this.id} was not written to ${this.path}, and is ${this.state} now: ${this.detail}`
  }
}

/**
 * A suggestion was applied or taken back, as its file and its row say, but its job was not restarted, as it was to be: `detail` says why not.
 * Restart it by hand.
 *
 * @since 0.1.0
 * @category errors
 */
export class SuggestionNotRestarted extends Schema.TaggedError<SuggestionNotRestarted>(
  "effect-healing/SuggestionNotRestarted"
)("SuggestionNotRestarted", { id: Schema.String, job: Schema.String, detail: Schema.String }) {
  override get message(): string {
    return `The file of the suggestion ${this.id} was written, but the job "${this.job}" was not restarted, so restart it by hand: ${this.detail}`
  }
}

/**
 * A supervisor did not tell what it was asked for; `detail` says why, without anything secret.
 *
 * @since 0.1.0
 * @category errors
 */
export class SupervisorError extends Schema.TaggedError<SupervisorError>("effect-healing/SupervisorError")(
  "SupervisorError",
  { detail: Schema.String, cause: Schema.optional(Schema.Defect) }
) {
  override get message(): string {
    return this.detail
  }
}

/**
 * The store of requests cannot do what it was asked to.
 *
 * - `Owned`: another process has the file open for its own queue, from the start or by now.
 * - `Replaced`: the file was removed, replaced or overwritten while this process used it.
 * - `InDoubt`: the connection to the database was lost in the middle of a commit, and it did not come back in time to tell whether that was
 *   written.
 * - `NotADatabase`: the file is none of SQLite's, is damaged, or is a folder.
 * - `ReadOnly`: the file or its folder may not be written.
 * - `Full`: there is no room left.
 * - `TooNew`: a newer version of this package has written the database.
 * - `Moved`: what the file had is in PostgreSQL by now.
 * - `UnexpectedState`: a request was in another state than it can have been in: somebody else writes to the database, or
 *   this package has a bug.
 * - `Closed`: its layer is closed.
 * - `Unsupported`: this better-sqlite3 would end the process on this Node, or the database is neither SQLite nor PostgreSQL, so that
 *   nothing was opened; or a backup was asked of a store that has no file.
 * - `Unavailable`: everything else, such as a disk that is gone.
 *
 * `detail` says what was wrong and what would be right; `cause` is the error of the database, if there was one.
 *
 * @since 0.1.0
 * @category errors
 */
export class HealingStoreError extends Schema.TaggedError<HealingStoreError>("effect-healing/HealingStoreError")(
  "HealingStoreError",
  {
    reason: Schema.Literal(
      "Owned",
      "Replaced",
      "InDoubt",
      "NotADatabase",
      "ReadOnly",
      "Full",
      "TooNew",
      "Moved",
      "UnexpectedState",
      "Closed",
      "Unsupported",
      "Unavailable"
    ),
    detail: Schema.String,
    cause: Schema.optional(Schema.Defect)
  }
) {
  override get message(): string {
    return this.detail
  }
}

/**
 * Whether it is so for good: another process has the file, or it is another file, or what stands in it is not known.
 *
 * @internal
 */
export const isForGood = ({ reason }: Pick<HealingStoreError, "reason">): boolean =>
  reason === "Owned" || reason === "Replaced" || reason === "InDoubt"

/** @internal */
export const unexpectedState = (id: string, expected: string, found: string): HealingStoreError =>
  new HealingStoreError({
    reason: "UnexpectedState",
    detail:
      `The request ${id} should be ${expected}, and is ${found}: ` +
      "either somebody else writes to the database, or this is a bug of effect-healing"
  })

/**
 * A notice was not sent.
 *
 * - `reason`: `Refused`, the receiver does not take this notice, and never will; `Failed`, it may be sent later.
 * - `detail`: why, without the address of the receiver or anything else that is secret.
 * - `retryAfter`: how long the receiver says to wait, in milliseconds.
 *
 * @since 0.1.0
 * @category errors
 */
export class NotifyError extends Schema.TaggedError<NotifyError>("effect-healing/NotifyError")("NotifyError", {
  reason: Schema.Literal("Refused", "Failed"),
  detail: Schema.String,
  retryAfter: Schema.optional(Schema.NonNegative)
}) {
  override get message(): string {
    return this.detail
  }
}
