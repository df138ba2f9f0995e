/**
 * The shape of the port `Supervisor`.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { SupervisorError } from "../HealingError.js"
import type { Quota } from "../running/Quota.js"
import type { Activity } from "./Activity.js"
import type { Evidence, EvidenceScope } from "./Evidence.js"
import type { JobEvent, RunEvent } from "./JobEvent.js"
import type { JobInfo } from "./JobInfo.js"

/**
 * What an adapter to a supervisor implements. The docs of `Supervisor` say what each of these has to do.
 *
 * @since 0.1.0
 * @category models
 */
export interface Adapter {
  readonly jobs: Effect.Effect<ReadonlyArray<JobInfo>, SupervisorError>
  readonly activity: Stream.Stream<Activity>
  readonly events: Stream.Stream<JobEvent>
  readonly runs: Stream.Stream<RunEvent>
  readonly evidence: (job: JobInfo, scope: EvidenceScope) => Effect.Effect<Evidence, SupervisorError>
  readonly restart?: (job: JobInfo) => Effect.Effect<void, SupervisorError>
  readonly ownPaths?: ReadonlyArray<string>
  readonly quotas?: Stream.Stream<ReadonlyArray<Quota>>
}
