/**
 * What happens to jobs, and to their runs.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { LAST_INSTANT } from "../internal/LastInstant.js"
import { EventTrigger } from "../policy/HealingPolicy.js"
import { JobName } from "../request/HealingRequest.js"

/**
 * Something that has happened to a job, for which it may be reviewed.
 *
 * - `trigger`: what: `failure`, `sla_breach`, or a name of your own that is neither `manual` nor `schedule`.
 * - `runId`: in which run, as the evidence calls it; 1 to 256 characters.
 * - `exitCode`: with which that has ended.
 * - `lastError`: the last line that it has printed about what went wrong, of at most 10,000 characters. What the logs tell counts as well.
 *
 * @since 0.1.0
 * @category schemas
 */
export const JobEvent = Schema.Struct({
  job: JobName,
  trigger: EventTrigger,
  runId: Schema.NullOr(Schema.NonEmptyString.pipe(Schema.maxLength(256))),
  exitCode: Schema.optional(Schema.NullOr(Schema.Int)),
  lastError: Schema.optional(Schema.NullOr(Schema.String.pipe(Schema.maxLength(10_000))))
})

/**
 * @since 0.1.0
 * @category models
 */
export interface JobEvent extends Schema.Schema.Type<typeof JobEvent> {}

const RunId = JobEvent.fields.runId

const Millis = Schema.Finite.pipe(Schema.between(0, LAST_INSTANT))

/**
 * The start or the end of a run. Times are milliseconds since 1970; `null` if the supervisor does not know it.
 *
 * - `Started`: it runs since `at`. `alwaysUp`: whether it never ends by itself.
 * - `Ended`: it has begun at `startedAt` and ended at `at`. `outcome`: `stopped` is one that was ended on purpose, which is no failure.
 *   `exitCode` and `lastError` are those of a `JobEvent`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const RunEvent = Schema.Union(
  Schema.TaggedStruct("Started", {
    job: JobName,
    runId: RunId,
    at: Schema.NullOr(Millis),
    alwaysUp: Schema.Boolean
  }),
  Schema.TaggedStruct("Ended", {
    job: JobName,
    runId: RunId,
    startedAt: Schema.NullOr(Millis),
    at: Schema.NullOr(Millis),
    outcome: Schema.Literal("succeeded", "failed", "stopped"),
    exitCode: JobEvent.fields.exitCode,
    lastError: JobEvent.fields.lastError
  })
)

/**
 * @since 0.1.0
 * @category models
 */
export type RunEvent = typeof RunEvent.Type
