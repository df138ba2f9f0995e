/**
 * What a supervisor says of a job.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { JobName } from "../request/HealingRequest.js"

/**
 * A job of a supervisor.
 *
 * - `id`: the name that its requests carry, by which no other job goes.
 * - `kind`: what it is, in the supervisor's words, such as `cluster` or `scheduled`.
 * - `openClaw`: whether it spends OpenClaw's tokens while it runs.
 * - `alwaysUp` (false): whether it is an OpenClaw job that never ends by itself, so that it does not hold reviews up.
 * - `canRestart` (false): whether it never ends by itself, and the supervisor can restart it.
 * - `policy`: when and how it is to be reviewed, as it was written by its people or by the adapter, even if that is no policy:
 *   whoever reads it decodes it, and says whose policy is wrong and where. `{}` for the defaults.
 *
 * @since 0.1.0
 * @category schemas
 */
export const JobInfo = Schema.Struct({
  id: JobName,
  kind: Schema.String,
  openClaw: Schema.Boolean,
  alwaysUp: Schema.optionalWith(Schema.Boolean, { exact: true }),
  canRestart: Schema.optionalWith(Schema.Boolean, { exact: true }),
  policy: Schema.Unknown
})

/**
 * @since 0.1.0
 * @category models
 */
export interface JobInfo extends Schema.Schema.Type<typeof JobInfo> {}
