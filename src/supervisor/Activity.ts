/**
 * Which OpenClaw jobs of a supervisor run.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/**
 * What a supervisor knows of its OpenClaw jobs.
 *
 * - `Known`: these run, and no others; one that runs twice is named twice.
 * - `Unknown`: it cannot be said, and why not, without anything secret.
 *
 * @since 0.1.0
 * @category models
 */
export type Activity = Data.TaggedEnum<{
  Known: { readonly running: ReadonlyArray<string> }
  Unknown: { readonly reason: string }
}>

/**
 * @since 0.1.0
 * @category constructors
 */
export const Activity = Data.taggedEnum<Activity>()
