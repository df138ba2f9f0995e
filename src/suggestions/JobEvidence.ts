/**
 * What a supervisor says of a job whose change is watched, if it says it soon.
 *
 * @internal
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { LogMark } from "../request/HealingSuggestion.js"
import { marksOf } from "../scheduler/LogMarks.js"
import { Evidence, EvidenceScope } from "../supervisor/Evidence.js"
import type { Supervisor } from "../supervisor/Supervisor.js"

type Asked = Context.Tag.Service<Supervisor>

/** How long a supervisor may take. */
const PATIENCE = Duration.seconds(10)

/** Among which a run is looked for. */
const MAX_RUNS = 200

/**
 * `null` if it cannot be told, or not soon.
 *
 * @internal
 */
export const evidenceOf = (supervisor: Asked, job: string, scope: EvidenceScope): Effect.Effect<Evidence | null> =>
  Effect.gen(function* () {
    const info = (yield* supervisor.jobs).find(({ id }) => id === job)
    if (info === undefined) return null
    const evidence = yield* supervisor.evidence(info, scope)
    return Schema.is(Evidence)(evidence) ? evidence : null
  }).pipe(
    Effect.disconnect,
    Effect.timeout(PATIENCE),
    Effect.catchAllCause(() => Effect.succeed(null)),
    Effect.interruptible
  )

/**
 * The evidence of the last failure, or of this one.
 *
 * @internal
 */
export const ofFailure = (supervisor: Asked, job: string, runId: string | null): Effect.Effect<Evidence | null> =>
  evidenceOf(supervisor, job, EvidenceScope.Failure({ runId, limit: 1 }))

/**
 * Whether a run is on. Nothing is called a success without evidence.
 *
 * @internal
 */
export const isRunning = (supervisor: Asked, job: string, runId: string): Effect.Effect<boolean> =>
  Effect.map(
    evidenceOf(supervisor, job, EvidenceScope.Since({ since: 0, runId, limit: MAX_RUNS })),
    (evidence) => evidence?.runs.some(({ id, outcome }) => id === runId && outcome === "running") ?? false
  )

/**
 * How long the logs of a job are now.
 *
 * @internal
 */
export const logMarks = (
  supervisor: Asked,
  job: string
): Effect.Effect<ReadonlyArray<LogMark> | null, never, FileSystem> =>
  Effect.flatMap(ofFailure(supervisor, job, null), (evidence) =>
    evidence === null ? Effect.succeed(null) : marksOf(evidence)
  )
