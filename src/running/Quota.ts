/**
 * What is left of a quota.
 *
 * @since 0.1.0
 */

/**
 * A window of time in which a provider of models allows so much, as it says itself.
 *
 * - `provider`, `window`: whose it is, and which one, in the provider's words, such as `Anthropic` and `5h`.
 * - `usedPercent`: how much of it is used up; 100 if nothing is left.
 * - `resetsAt`: when it begins anew, in milliseconds since 1970; `null` if it is not known.
 *
 * @since 0.1.0
 * @category models
 */
export interface Quota {
  readonly provider: string
  readonly window: string
  readonly usedPercent: number
  readonly resetsAt: number | null
}

/**
 * How it stands, for a screen. `until`: when it begins anew, in words.
 *
 * @internal
 */
export const quotaInWords = ({ provider, usedPercent, window }: Omit<Quota, "resetsAt">, until: string): string =>
  `${provider}, ${window}: ${Math.round(usedPercent)}% used${until}`
