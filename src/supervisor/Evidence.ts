/**
 * What a supervisor knows about a job that is to be reviewed.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Data from "effect/Data"
import * as Order from "effect/Order"
import * as Schema from "effect/Schema"
import { LAST_INSTANT } from "../internal/LastInstant.js"
import { FileRole } from "../request/FileRole.js"

/** Within what a `Date` can be. */
const Millis = Schema.Finite.pipe(Schema.between(0, LAST_INSTANT))

/**
 * One run of a job. Times are milliseconds since 1970.
 *
 * - `outcome`: `stopped` is one that was ended on purpose, which is no failure.
 * - `exitCode`, `signal`: how its process ended.
 * - `trigger`: why it was started, in the supervisor's words.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Run = Schema.Struct({
  id: Schema.String,
  outcome: Schema.Literal("running", "succeeded", "failed", "stopped"),
  startedAt: Schema.NullOr(Millis),
  endedAt: Schema.NullOr(Millis),
  exitCode: Schema.NullOr(Schema.Int),
  signal: Schema.optional(Schema.NullOr(Schema.String)),
  trigger: Schema.optional(Schema.NullOr(Schema.String))
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Run extends Schema.Schema.Type<typeof Run> {}

/**
 * A log: its text, of which the end is reviewed, or the path of the file that it is in.
 *
 * - `skipped` (0): how many characters of the log have stood before `text`, and are left out. By it, and by the size of a file, it is told
 *   what the log got since it was looked at last.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Log = Schema.Union(
  Schema.Struct({ name: Schema.String, text: Schema.String, skipped: Schema.optional(Schema.NonNegativeInt) }),
  Schema.Struct({ name: Schema.String, path: Schema.String })
)

/**
 * @since 0.1.0
 * @category models
 */
export type Log = typeof Log.Type

/**
 * A file that says what the job does.
 *
 * @since 0.1.0
 * @category schemas
 */
export const JobFile = Schema.Struct({
  path: Schema.String,
  role: FileRole
})

/**
 * @since 0.1.0
 * @category models
 */
export interface JobFile extends Schema.Schema.Type<typeof JobFile> {}

/**
 * What a supervisor knows about a job, within an `EvidenceScope`. Files and logs that are named by their path are read
 * when it is their turn, and by nobody else, so that an adapter need not read, cut or clean anything.
 *
 * Environments of processes are no evidence: they must be nowhere in it.
 *
 * - `command`: the command line.
 * - `runs`: the newest first.
 * - `slaBreaches`: when a run was too late, too long or too expensive, and how; the newest first.
 * - `logs`: those that matter most first.
 * - `files`: with absolute paths, those that matter most first.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Evidence = Schema.Struct({
  command: Schema.String,
  runs: Schema.Array(Run),
  slaBreaches: Schema.Array(Schema.Struct({ at: Millis, what: Schema.String })),
  logs: Schema.Array(Log),
  files: Schema.Array(JobFile)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Evidence extends Schema.Schema.Type<typeof Evidence> {}

/**
 * Which runs a review looks at, `limit` of them at most, the newest first.
 *
 * - `Failure`: the run that failed, `runId`, or the last one that did if that is `null`, and those before it.
 * - `Since`: those that have begun since then, in milliseconds since 1970, and `runId`, if it is not `null`.
 *
 * @since 0.1.0
 * @category models
 */
export type EvidenceScope = Data.TaggedEnum<{
  Failure: { readonly runId: string | null; readonly limit: number }
  Since: { readonly since: number; readonly runId: string | null; readonly limit: number }
}>

/**
 * @since 0.1.0
 * @category constructors
 */
export const EvidenceScope = Data.taggedEnum<EvidenceScope>()

/**
 * Picks the runs that a scope asks for. If it asks for a run that is not there, the newest one counts.
 *
 * @internal
 */
export const runsWithin = (all: ReadonlyArray<Run>, scope: EvidenceScope): ReadonlyArray<Run> => {
  const newestFirst = Arr.sort(
    all,
    Order.mapInput(Order.reverse(Order.number), ({ startedAt }: Run) => startedAt ?? 0)
  )
  if (scope._tag === "Since") {
    return (
      newestFirst
        // One of which the supervisor does not know when it was may have been then.
        .filter((run) => (run.startedAt ?? run.endedAt ?? scope.since) >= scope.since || run.id === scope.runId)
        .slice(0, scope.limit)
    )
  }
  const inQuestion = newestFirst.findIndex(({ id, outcome }) =>
    scope.runId === null ? outcome === "failed" : id === scope.runId
  )
  return newestFirst.slice(Math.max(0, inQuestion)).slice(0, scope.limit)
}
