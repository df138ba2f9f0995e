/**
 * Counts in words.
 *
 * @internal
 */

/** @internal */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`
