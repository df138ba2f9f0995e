/**
 * What is known of the OpenClaw jobs of one queue.
 *
 * @since 0.1.0
 */
import type * as HashMap from "effect/HashMap"
import type { Quota } from "./Quota.js"

/**
 * The name by which a supervisor knows a job.
 *
 * @since 0.1.0
 * @category models
 */
export type JobId = string

/**
 * - `instances`: how many of the job run now; 1 or more.
 * - `since`: when the first of them was started, in milliseconds of the monotonic clock.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunningJob {
  readonly instances: number
  readonly since: number
}

/**
 * A source that cannot say what runs, and why not: at most 200 characters.
 *
 * @since 0.1.0
 * @category models
 */
export interface UnknownSource {
  readonly name: string
  readonly reason: string
}

/**
 * What is known of one queue of OpenClaw jobs.
 *
 * - `jobs`: the jobs that run; those of an unknown source as it last knew them.
 * - `unknown`: the sources that do not know (R16).
 * - `started`: how many job instances have ever been started.
 * - `idleSince`: since when no job runs and no source is unknown, in milliseconds of the monotonic clock: `-Infinity`
 *   for a queue that has never been busy, `undefined` for one that is.
 * - `quotas`: what is left of the quotas of providers, as the sources heard it last.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunningState {
  readonly jobs: HashMap.HashMap<JobId, RunningJob>
  readonly unknown: ReadonlyArray<UnknownSource>
  readonly started: number
  readonly idleSince: number | undefined
  readonly quotas: ReadonlyArray<Quota>
}
