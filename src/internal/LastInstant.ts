/**
 * The last instant that a `Date` can be, in milliseconds since 1970: https://tc39.es/ecma262/#sec-time-values-and-time-range.
 *
 * @internal
 */
export const LAST_INSTANT = 8.64e15
