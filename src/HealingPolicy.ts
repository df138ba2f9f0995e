/**
 * How a job is to be reviewed.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * - `minRuns` (5): a scheduled review is skipped while the job has had fewer runs than this since the last one; 0 to 200.
 *
 * @since 0.1.0
 * @category schemas
 */
export const HealingPolicy = Schema.Struct({
  minRuns: Schema.optionalWith(Schema.Int.pipe(Schema.between(0, 200)), { default: () => 5 })
})

/**
 * @since 0.1.0
 * @category models
 */
export interface HealingPolicy extends Schema.Schema.Type<typeof HealingPolicy> {}
