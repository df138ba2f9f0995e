/**
 * Those who watch what happens, and how many of them there may be.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/**
 * How many watch at once, in all and of one caller.
 *
 * @internal
 */
export const LIMITS = { all: 1000, ofOne: 200 }

/**
 * - `seen`: the number of the last event that was handed to it.
 * - `isGone`: whether it has left, or was cut off.
 * - `beats`: how many heartbeats it is to get; more than one are of a watcher who takes nothing.
 * - `cut`: is told when it is cut off.
 *
 * @internal
 */
export interface Watcher {
  seen: number
  isGone: boolean
  beats: number
  readonly cut: () => void
  readonly wake: Effect.Latch
}

/**
 * - `all`: each with its caller.
 * - `someone`: open while somebody watches, and until that is looked at.
 * - `enrol`: one more; none if there are too many.
 * - `leave`: gives its place back, once, however often it is told.
 *
 * @internal
 */
export interface Watchers {
  readonly all: ReadonlyMap<Watcher, string>
  readonly someone: Effect.Latch
  readonly enrol: (caller: string, seen: number, cut: () => void) => Option.Option<Watcher>
  readonly leave: (watcher: Watcher) => void
}

/** @internal */
export const make = (): Watchers => {
  const all = new Map<Watcher, string>()
  const ofCaller = new Map<string, number>()
  const someone = Effect.unsafeMakeLatch()
  return {
    all,
    someone,
    enrol: (caller, seen, cut) => {
      const count = ofCaller.get(caller) ?? 0
      if (all.size >= LIMITS.all || count >= LIMITS.ofOne) return Option.none()
      const watcher: Watcher = { seen, isGone: false, beats: 0, cut, wake: Effect.unsafeMakeLatch() }
      all.set(watcher, caller)
      ofCaller.set(caller, count + 1)
      someone.unsafeOpen()
      return Option.some(watcher)
    },
    leave: (watcher) => {
      const caller = all.get(watcher)
      if (caller === undefined) return
      all.delete(watcher)
      watcher.isGone = true
      watcher.wake.unsafeOpen()
      const left = (ofCaller.get(caller) ?? 1) - 1
      if (left === 0) ofCaller.delete(caller)
      else ofCaller.set(caller, left)
    }
  }
}
