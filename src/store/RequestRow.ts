/**
 * A request as a row of the table `healing_requests`.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { type HealingRequest, idOf, isAutomatic, JobName, RequestState, Trigger } from "../request/HealingRequest.js"
import { Report } from "../request/Report.js"

/**
 * The first so many columns never change.
 *
 * @internal
 */
export const FIXED = 2

/** @internal */
export const columns = [
  "number",
  "job",
  "state",
  "priority",
  "triggers",
  "automatic",
  "run_id",
  "note",
  "callers_only",
  "submitted_at",
  "not_before",
  "wait_until",
  "attempts",
  "starts",
  "last_start",
  "ended_at",
  "reason",
  "coalesced_into",
  "report",
  "cooldown",
  "signatures"
] as const

/** @internal */
export const toRow = (request: HealingRequest): Array<string | number | null> => [
  request.number,
  request.job,
  request.state,
  request.priority,
  JSON.stringify(request.triggers),
  isAutomatic(request) ? 1 : 0,
  request.runId,
  request.note,
  request.callersOnly ? 1 : 0,
  request.submittedAt,
  request.notBefore,
  request.waitUntil,
  request.attempts,
  JSON.stringify(request.starts),
  // Not the last one: the clock may have been set back between them.
  request.starts.length === 0 ? null : Math.max(...request.starts),
  request.endedAt,
  request.reason,
  request.coalescedInto,
  request.report === null ? null : JSON.stringify(encodeReport(request.report)),
  request.cooldown,
  request.signatures.length === 0 ? null : JSON.stringify(request.signatures)
]

const encodeReport = Schema.encodeSync(Report)

const Row = Schema.Struct({
  number: Schema.Int.pipe(Schema.positive()),
  job: JobName,
  state: RequestState,
  priority: Schema.Finite.pipe(Schema.negative()),
  triggers: Schema.parseJson(Schema.NonEmptyArray(Trigger)),
  run_id: Schema.NullOr(Schema.String),
  note: Schema.NullOr(Schema.String),
  callers_only: Schema.Int,
  submitted_at: Schema.Int,
  not_before: Schema.NullOr(Schema.Int),
  wait_until: Schema.NullOr(Schema.Int),
  attempts: Schema.NonNegativeInt,
  starts: Schema.parseJson(Schema.Array(Schema.Int)),
  ended_at: Schema.NullOr(Schema.Int),
  reason: Schema.NullOr(Schema.String),
  coalesced_into: Schema.NullOr(Schema.String),
  report: Schema.NullOr(Schema.parseJson(Report)),
  cooldown: Schema.NullOr(Schema.NonNegative),
  signatures: Schema.NullOr(Schema.parseJson(Schema.Array(Schema.String)))
})

const decodeRow = Schema.decodeUnknownEither(Row)

/**
 * The request, or why its row cannot be read.
 *
 * @internal
 */
export const fromRow = (row: unknown): Either.Either<HealingRequest, string> =>
  Either.mapBoth(decodeRow(row), {
    onRight: (row) => ({
      id: idOf(row.job, row.number),
      number: row.number,
      job: row.job,
      state: row.state,
      priority: row.priority,
      triggers: row.triggers,
      runId: row.run_id,
      note: row.note,
      callersOnly: row.callers_only !== 0,
      submittedAt: row.submitted_at,
      notBefore: row.not_before,
      waitUntil: row.wait_until,
      attempts: row.attempts,
      starts: row.starts,
      endedAt: row.ended_at,
      reason: row.reason,
      coalescedInto: row.coalesced_into,
      report: row.report,
      cooldown: row.cooldown,
      signatures: row.signatures ?? []
    }),
    // The names of the columns only: what stands in them may be anybody's secret.
    onLeft: (error) =>
      `its row cannot be read: ${Arr.dedupe(ParseResult.ArrayFormatter.formatErrorSync(error).map(({ path }) => String(path[0]))).join(", ")}`
  })
