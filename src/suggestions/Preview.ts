/**
 * What a suggestion would change, as a person is shown it before they decide.
 *
 * @since 0.1.0
 */
import type { HealingSuggestion } from "../request/HealingSuggestion.js"

/**
 * What was looked at before a file may be changed:
 *
 * - `set`: all suggestions of its set are in the same state.
 * - `user`: the process may write as the user that it runs as.
 * - `evidence`: the supervisor names the file for this job.
 * - `path`: the file and its folders can be reached, without links.
 * - `roots`: the file is in one of `suggestions.allowedRoots`.
 * - `forbidden`: nobody forbids it.
 * - `folders`: nobody else can write to the folders from the root to the file.
 * - `kind`: it is a regular file, with one name, without set-uid bits.
 * - `owner`: the file keeps its owner.
 * - `text`: it is text in UTF-8, of at most 64 KiB, and without a secret.
 * - `unchanged`: it is as it was when it was reviewed.
 * - `content`: the new content is text of at most 64 KiB, and whole.
 * - `deletion`: at most half of its lines go, or that is allowed.
 * - `checks`: no command of `suggestions.checks` objects to the new content.
 * - `restart`: the supervisor can restart the job, if it is to be restarted.
 * - `rule`: the rule by which it is applied is for it. It is looked at for those that a rule has approved, and stands in no preview.
 *
 * @since 0.1.0
 * @category models
 */
export type CheckName =
  | "set"
  | "user"
  | "evidence"
  | "path"
  | "roots"
  | "forbidden"
  | "folders"
  | "kind"
  | "owner"
  | "text"
  | "unchanged"
  | "content"
  | "deletion"
  | "checks"
  | "restart"
  | "rule"

/**
 * - `passed`: whether all is well.
 * - `detail`: what was found, and what would have to be true if it has failed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Check {
  readonly check: CheckName
  readonly passed: boolean
  readonly detail: string
}

/**
 * What one suggestion would change.
 *
 * - `path`: of the file, without links; `null` if it changes none, or if there is no such file.
 * - `diff`: a unified diff, which `git apply` takes in the folder of the file; `null` if there is none, or if it cannot be shown.
 * - `added`, `removed`: how many lines come and go; one that is changed does both.
 * - `losses`: what the file would lose, such as an access list.
 * - `checks`: with their outcomes. Those that need one that has failed are left out.
 *
 * @since 0.1.0
 * @category models
 */
export interface PreviewedSuggestion {
  readonly suggestion: HealingSuggestion
  readonly path: string | null
  readonly diff: string | null
  readonly added: number
  readonly removed: number
  readonly losses: ReadonlyArray<string>
  readonly checks: ReadonlyArray<Check>
}

/**
 * - `members`: the suggestion and the others of its set, in their order.
 * - `bigDeletion`, `restart`: whether more than half of the lines of a file may go, and whether the job is restarted.
 * - `seal`: what `approve` needs; `null` if a check has failed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Preview {
  readonly id: string
  readonly members: ReadonlyArray<PreviewedSuggestion>
  readonly bigDeletion: boolean
  readonly restart: boolean
  readonly seal: string | null
}
