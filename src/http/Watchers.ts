/**
 * Those who watch what happens, and how many of them there may be.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"

/**
 * How many watch at once, in all and of one caller.
 *
 * @internal
 */
export const LIMITS = { all: 1000, ofOne: 200 }

/**
 * - `seen`: the number of the last event that was handed to it.
 * - `isCut`: whether it was cut off, of which `cut` was told.
 * - `isDue`: whether it is to get a heartbeat if there is nothing else.
 *
 * @internal
 */
export interface Watcher {
  seen: number
  isCut: boolean
  isDue: boolean
  readonly cut: () => void
  readonly wake: Effect.Latch
}

/**
 * - `someone`: open while somebody watches, and until that is looked at.
 * - `enrol`: one more, until the end of the scope; none if there are too many.
 *
 * @internal
 */
export interface Watchers {
  readonly all: ReadonlySet<Watcher>
  readonly someone: Effect.Latch
  readonly enrol: (
    name: string,
    seen: number,
    cut: () => void
  ) => Effect.Effect<Option.Option<Watcher>, never, Scope.Scope>
}

/** @internal */
export const make = (): Watchers => {
  const all = new Set<Watcher>()
  const ofName = new Map<string, number>()
  const someone = Effect.unsafeMakeLatch()
  return {
    all,
    someone,
    enrol: (name, seen, cut) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          if (all.size >= LIMITS.all || (ofName.get(name) ?? 0) >= LIMITS.ofOne) return Option.none()
          const watcher: Watcher = { seen, isCut: false, isDue: false, cut, wake: Effect.unsafeMakeLatch() }
          all.add(watcher)
          someone.unsafeOpen()
          ofName.set(name, (ofName.get(name) ?? 0) + 1)
          return Option.some(watcher)
        }),
        Option.match({
          onNone: () => Effect.void,
          onSome: (watcher) =>
            Effect.sync(() => {
              all.delete(watcher)
              const left = (ofName.get(name) ?? 1) - 1
              if (left === 0) ofName.delete(name)
              else ofName.set(name, left)
            })
        })
      )
  }
}
