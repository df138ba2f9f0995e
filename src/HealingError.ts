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

const names = (all: ReadonlyArray<string>): string =>
  all.length > 3 ? `${all.slice(0, 3).join(", ")} and ${all.length - 3} more` : all.join(", ")

const describeHeldBy = (heldBy: HeldBy): string => {
  switch (heldBy._tag) {
    case "Disabled":
      return "healing is switched off (enabled = false)"
    case "Paused":
      return "a pause of the queue"
    case "RateLimited":
      return `a rate limit, for another ${Duration.format(heldBy.remaining)}`
    case "DailyLimit":
      return `the limit of reviews per day, for another ${Duration.format(heldBy.remaining)}`
    case "StoreFailing":
      return `a store that cannot be written: ${heldBy.reason}`
    case "NotBefore":
      return `its cool-down or back-off, ${Duration.format(heldBy.remaining)} of it left`
    case "Jobs":
      return `OpenClaw jobs running: ${names(heldBy.jobs)}`
    case "UnknownSources":
      return `unknown: ${names(heldBy.sources.map(({ name, reason }) => `${name} (${reason})`))}`
    case "QuietPeriod":
      return `the quiet period, ${Duration.format(heldBy.remaining)} of it left`
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
    return `The healing of "${this.job}" had no turn in ${Duration.format(this.waited)}${line}. Held up by ${reasons}`
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
