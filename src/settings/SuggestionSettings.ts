/**
 * The settings below `suggestions`: where and how something may be changed.
 *
 * @since 0.1.0
 */
import type * as Schema from "effect/Schema"
import * as AutoApply from "./AutoApply.js"
import * as Kind from "./SettingKind.js"

/** A new setting is one line here, and one in the docs of `SuggestionSettingsInput` and of the README. */
const table = {
  allowedRoots: Kind.folders,
  asRoot: Kind.flag(false),
  forbidden: Kind.globs,
  checks: Kind.commands,
  checkTimeout: Kind.finiteDuration("30 seconds"),
  stopped: Kind.flag(false),
  stopFile: Kind.file,
  expireAfter: Kind.lastingDuration("14 days"),
  approvalExpiresAfter: Kind.lastingDuration("7 days"),
  applyWait: Kind.finiteDuration("1 hour"),
  goodRuns: Kind.count(3),
  upFor: Kind.finiteDuration("10 minutes"),
  watchFor: Kind.lastingDuration("7 days"),
  retention: Kind.lastingDuration("90 days"),
  autoApply: AutoApply.rules,
  autoApplyPerJob: Kind.count(1),
  autoApplyPerDay: Kind.count(3)
}

/** @internal */
export const kinds = table

type Table = typeof table

type InForce = { readonly [K in keyof Table]: Schema.Schema.Type<Table[K]["inCode"]> }

/**
 * The settings of suggestions in force.
 *
 * @since 0.1.0
 * @category models
 */
export interface SuggestionSettings extends InForce {}

/**
 * The settings of suggestions that differ from their defaults. Those of several sources merge key by key, and what is `forbidden` adds up.
 *
 * - `allowedRoots` (none): the folders in which files may be changed, by their absolute paths: nothing can be written until somebody says
 *   where.
 * - `asRoot` (false): whether files may be changed by a process of the user root.
 * - `forbidden` (none): globs of paths that are never changed, such as `**\/secret/**`.
 * - `checks` (none): by globs of paths, the command that must end with 0 before a file is changed, such as `["node", "--check"]`. It gets
 *   the path of a copy of the new content as its last argument.
 * - `checkTimeout` (30 seconds): for how long such a command may run; finite.
 * - `stopped` (false): whether nothing is applied.
 * - `stopFile` (the path of the database and `.stop`): the absolute path of a file. As long as it is there, nothing is applied.
 * - `expireAfter` (14 days): how long one can be decided on; above 0, `Duration.infinity` for ever.
 * - `approvalExpiresAfter` (7 days): how long one that was approved can be applied; above 0, `Duration.infinity` for ever.
 * - `applyWait` (1 hour): how long one waits to be applied for the end of a run of its job; finite.
 * - `goodRuns` (3): after so many good runs of its job, one that was applied is confirmed; 1 or more.
 * - `upFor` (10 minutes): or after its job has stayed up for so long, if it is always up; finite.
 * - `watchFor` (7 days): how long the runs after a change are watched; above 0, `Duration.infinity` for ever.
 * - `retention` (90 days): how long one that has come to its end is kept, with the original of its file; above 0, `Duration.infinity` for
 *   ever.
 * - `autoApply` (none): rules by which suggestions are applied without asking anybody, from code or a file.
 * - `autoApplyPerJob` (1): how many of a job they apply within 24 hours; 1 or more.
 * - `autoApplyPerDay` (3): how many they apply in all within 24 hours; 1 or more.
 *
 * @since 0.1.0
 * @category models
 */
export type SuggestionSettingsInput = {
  readonly [K in keyof Table]?: Schema.Schema.Encoded<Table[K]["inCode"]> | undefined
}
