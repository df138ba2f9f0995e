/**
 * What a file is to its job.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * What a file that says what a job does is to it: a `script` that it runs, a `prompt` that it gives to an AI, or its `config`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const FileRole = Schema.Literal("script", "prompt", "config")

/**
 * @since 0.1.0
 * @category models
 */
export type FileRole = typeof FileRole.Type
