/**
 * What happens to suggestions, for screens and alerts.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type { HealingSuggestion } from "../request/HealingSuggestion.js"

/**
 * Each carries the instant, in milliseconds since 1970, and the suggestion as it is afterwards.
 *
 * - `Proposed`: a review has made it.
 * - `ExpiresSoon`: it expires in a day.
 * - `Rejected`: somebody did not want it.
 * - `Expired`: nobody has decided on it in time.
 * - `Superseded`: a newer review proposes another content for the same file.
 *
 * @since 0.1.0
 * @category models
 */
export type SuggestionEvent = Data.TaggedEnum<{
  Proposed: { readonly at: number; readonly suggestion: HealingSuggestion }
  ExpiresSoon: { readonly at: number; readonly suggestion: HealingSuggestion }
  Rejected: { readonly at: number; readonly suggestion: HealingSuggestion }
  Expired: { readonly at: number; readonly suggestion: HealingSuggestion }
  Superseded: { readonly at: number; readonly suggestion: HealingSuggestion }
}>

/**
 * @since 0.1.0
 * @category constructors
 */
export const SuggestionEvent = Data.taggedEnum<SuggestionEvent>()
