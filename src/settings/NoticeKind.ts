/**
 * The kinds of notices, which a setting names as well.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * What a notice is about:
 *
 * - `JobFailing`: a job fails, for a cause that was not told of. `JobRecovered`: it runs well again.
 * - `ReviewCompleted`, `ReviewFailed`, `ReviewSkipped`: what has come of a review.
 * - `SuggestionWaits`: it can be decided on. A completed review that has suggestions is one of these, too. `SuggestionExpires`: it expires in
 *   a day. `SuggestionApplied`, `SuggestionFailed`, `SuggestionConfirmed`, `SuggestionRelapsed`, `SuggestionInconclusive`,
 *   `SuggestionRolledBack`: what has come of it.
 * - `GateHeld`: reviews have waited for long. `SourceUnknown`: it is not known for long what runs.
 * - `PolicyWrong`: the policy of a job is wrong.
 * - `StoreFailing`, `StoreRecovered`: nothing can be written, and can again.
 * - `OpenClawMissing`: OpenClaw is not there, or too old.
 * - `Digest`: what has happened to each job in a day or a week.
 * - `Several`: there was too much to tell it one by one.
 * - `Trial`: somebody tries the channel.
 *
 * @since 0.1.0
 * @category schemas
 */
export const NoticeKind = Schema.Literal(
  "JobFailing",
  "JobRecovered",
  "ReviewCompleted",
  "ReviewFailed",
  "ReviewSkipped",
  "SuggestionWaits",
  "SuggestionExpires",
  "SuggestionApplied",
  "SuggestionFailed",
  "SuggestionConfirmed",
  "SuggestionRelapsed",
  "SuggestionInconclusive",
  "SuggestionRolledBack",
  "GateHeld",
  "SourceUnknown",
  "PolicyWrong",
  "StoreFailing",
  "StoreRecovered",
  "OpenClawMissing",
  "Digest",
  "Several",
  "Trial"
)

/**
 * @since 0.1.0
 * @category models
 */
export type NoticeKind = typeof NoticeKind.Type
