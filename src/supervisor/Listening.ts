/**
 * Listens to a stream of a supervisor, which never ends: if it does all the same, it is listened to anew.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

const FIRST_DELAY = Duration.seconds(1)

const LAST_DELAY = Duration.minutes(1)

/**
 * Never ends. The first pull is made at once, so that nothing is missed that happens when the layer has just been built:
 * `Stream.runForEach` would make it in a fiber that starts later.
 *
 * - `each`: done for each element.
 * - `broke`: done each time when it has ended or broken. What it broke of is left out: an adapter may well name a secret in it.
 *
 * @internal
 */
export const listen = <A, E, R>(
  stream: Stream.Stream<A, E, R>,
  {
    broke,
    each
  }: {
    readonly each: (element: A) => Effect.Effect<void>
    readonly broke: (how: "has ended" | "broke") => Effect.Effect<void>
  }
): Effect.Effect<never, never, R> => {
  const again = (delay: Duration.Duration): Effect.Effect<never, never, R> => {
    let next = delay
    const hear = (element: A) => {
      next = FIRST_DELAY
      return each(element)
    }
    return Stream.toPull(stream).pipe(
      Effect.flatMap((pull) => Effect.forever(Effect.flatMap(pull, Effect.forEach(hear, { discard: true })))),
      Effect.scoped,
      Effect.catchAllCause((cause) =>
        broke(Option.exists(Cause.failureOption(cause), Option.isNone) ? "has ended" : "broke")
      ),
      Effect.zipRight(Effect.suspend(() => Effect.sleep(next))),
      Effect.zipRight(Effect.suspend(() => again(Duration.min(Duration.times(next, 2), LAST_DELAY))))
    )
  }
  return again(FIRST_DELAY)
}
