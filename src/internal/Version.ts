/**
 * The version of this package. A test compares it with that in `package.json`.
 *
 * @internal
 */
export const VERSION = "0.1.0"
