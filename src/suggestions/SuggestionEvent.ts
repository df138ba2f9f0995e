/**
 * What happens to suggestions, for screens and alerts.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type { HealingSuggestion, SuggestionState } from "../request/HealingSuggestion.js"

/** What all of them carry. */
type Fields = { readonly at: number; readonly suggestion: HealingSuggestion }

/**
 * Each carries the instant, in milliseconds since 1970, and the suggestion as it is afterwards.
 *
 * - `Proposed`: a review has made it.
 * - `ExpiresSoon`: it expires in a day.
 * - `Approved`: somebody wants it.
 * - `Reopened`: its approval was withdrawn, or is stale: it can be decided on anew.
 * - `Applying`: its file is about to be written.
 * - `GivenBack`: its file was not written, and it is still approved.
 * - `Applied`: it is in its file.
 * - `Failed`: its file was edited by somebody else while it was written.
 * - `Confirmed`: the runs after it were good.
 * - `Relapsed`: its job has failed again for the same cause.
 * - `Inconclusive`: what has happened since does not say whether it helps.
 * - `RolledBack`: its file is as it was before.
 * - `Rejected`: somebody did not want it.
 * - `Expired`: nobody has decided on it, or applied it, in time.
 * - `Superseded`: a newer review proposes another content for the same file.
 *
 * @since 0.1.0
 * @category models
 */
export type SuggestionEvent = Data.TaggedEnum<{
  Proposed: Fields
  ExpiresSoon: Fields
  Approved: Fields
  Reopened: Fields
  Applying: Fields
  GivenBack: Fields
  Applied: Fields
  Failed: Fields
  Confirmed: Fields
  Relapsed: Fields
  Inconclusive: Fields
  RolledBack: Fields
  Rejected: Fields
  Expired: Fields
  Superseded: Fields
}>

/**
 * @since 0.1.0
 * @category constructors
 */
export const SuggestionEvent = Data.taggedEnum<SuggestionEvent>()

const ofState: { readonly [S in SuggestionState]: (fields: Fields) => SuggestionEvent } = {
  pending: SuggestionEvent.Reopened,
  approved: SuggestionEvent.Approved,
  applying: SuggestionEvent.Applying,
  applied: SuggestionEvent.Applied,
  failed: SuggestionEvent.Failed,
  confirmed: SuggestionEvent.Confirmed,
  relapsed: SuggestionEvent.Relapsed,
  inconclusive: SuggestionEvent.Inconclusive,
  rolled_back: SuggestionEvent.RolledBack,
  rejected: SuggestionEvent.Rejected,
  expired: SuggestionEvent.Expired,
  superseded: SuggestionEvent.Superseded
}

/**
 * What is told of a step from this state to another one.
 *
 * @internal
 */
export const eventOf = (from: SuggestionState, suggestion: HealingSuggestion): SuggestionEvent => {
  const tell =
    from === "applying" && suggestion.state === "approved" ? SuggestionEvent.GivenBack : ofState[suggestion.state]
  return tell({ at: suggestion.changedAt, suggestion })
}
