/**
 * The activity that an adapter tells: a new one only if it is another than before.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { Activity } from "./Activity.js"

/**
 * - `tell`: says how it stands.
 * - `changes`: how it stands, and then each change. Whoever reads slowly misses what is old, but never the newest.
 *
 * @internal
 */
export interface ToldActivity {
  readonly tell: (next: Activity) => Effect.Effect<void>
  readonly changes: Stream.Stream<Activity>
}

/**
 * `reason`: why it is not known at first.
 *
 * @internal
 */
export const make = (reason: string): Effect.Effect<ToldActivity> =>
  Effect.map(SubscriptionRef.make<Activity>(Activity.Unknown({ reason })), (activity) => ({
    // An interrupted `SubscriptionRef.set` can keep its permit or its news for itself: it must run to its end.
    tell: (next) =>
      Effect.uninterruptible(
        Effect.flatMap(SubscriptionRef.get(activity), (before) =>
          isSame(before, next) ? Effect.void : SubscriptionRef.set(activity, next)
        )
      ),
    changes: Stream.buffer(activity.changes, { capacity: 1, strategy: "sliding" })
  }))

const isSame = (a: Activity, b: Activity): boolean => {
  if (a._tag === "Unknown") return b._tag === "Unknown" && a.reason === b.reason
  return (
    b._tag === "Known" &&
    a.running.length === b.running.length &&
    a.running.every((job, index) => job === b.running[index])
  )
}
