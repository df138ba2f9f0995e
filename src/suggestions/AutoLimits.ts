/**
 * How much rules may apply within 24 hours.
 *
 * @internal
 */
import type { SuggestionSettings } from "../settings/HealingConfig.js"

/** @internal */
export type AutoLimits = Pick<SuggestionSettings, "autoApplyPerDay" | "autoApplyPerJob">

/**
 * Why nothing more may be applied to a job.
 *
 * - `all`, `ofJob`: how many were applied within 24 hours, in all and to the job.
 *
 * @internal
 */
export const whyOver = (
  { autoApplyPerDay, autoApplyPerJob }: AutoLimits,
  { all, ofJob }: { readonly all: number; readonly ofJob: number }
): string | undefined => {
  if (all >= autoApplyPerDay) return "suggestions.autoApplyPerDay were applied within 24 hours"
  return ofJob >= autoApplyPerJob ? "suggestions.autoApplyPerJob were applied to its job within 24 hours" : undefined
}
