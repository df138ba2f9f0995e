/**
 * What suggestions and notices need of the queue beyond its public face: there is one writer, and one wall clock.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type { HealingStoreError } from "../HealingError.js"
import type { Change } from "../store/Change.js"

/**
 * - `write`: writes these in one commit, after everything that was to be written before. They are asked for when they are written. It is
 *   refused at once while the store fails.
 * - `record`: writes what has happened already: it is kept until it could be written, and everything after it waits for that. The effect
 *   ends when it is on disk; it fails at the first try that does.
 * - `wall`: now, in milliseconds since 1970.
 * - `onCommit`: from now on this is told whenever something was written, and what. It may not throw.
 * - `onClockSet`: from now on this is told by how many milliseconds the clock was set, before the first look after that returns.
 *
 * @internal
 */
export interface ForSuggestions {
  readonly write: (changes: () => ReadonlyArray<Change>) => Effect.Effect<void, HealingStoreError>
  readonly record: (changes: ReadonlyArray<Change>) => Effect.Effect<void, HealingStoreError>
  readonly wall: () => number
  readonly onCommit: (listener: (changes: ReadonlyArray<Change>) => void) => void
  readonly onClockSet: (listener: (by: number) => void) => void
}

/**
 * Under this symbol `HealingQueue` carries it. A member travels with a service that somebody has wrapped (`{ ...service }`).
 *
 * @internal
 */
export const forSuggestions: unique symbol = Symbol.for("effect-healing/HealingQueue/ForSuggestions")

/**
 * What carries it. To those outside of the package the interface is empty.
 */
export interface HasForSuggestions {
  /** @internal */
  readonly [forSuggestions]: ForSuggestions
}
