/**
 * Counts and lists in words.
 *
 * @internal
 */

/** Those of a list that are named. */
const MAX_NAMED = 5

/**
 * The first of them in quotes, and how many others there are.
 *
 * - `others`: those in words; `3 more` by default.
 *
 * @internal
 */
export const named = (
  names: ReadonlyArray<string>,
  others: (number: number) => string = (number) => `${number} more`
): string => {
  const first = names
    .slice(0, MAX_NAMED)
    .map((name) => `"${name}"`)
    .join(", ")
  return names.length > MAX_NAMED ? `${first} and ${others(names.length - MAX_NAMED)}` : first
}

/** @internal */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`
