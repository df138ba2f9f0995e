/** What a stream has told since, and a way to wait until that is enough. */
import { Effect, Stream, SubscriptionRef } from "effect"

export const heard = <A>(stream: Stream.Stream<A>) =>
  Effect.gen(function* () {
    const all = yield* SubscriptionRef.make<ReadonlyArray<A>>([])
    yield* Effect.forkScoped(
      Stream.runForEach(stream, (one) => SubscriptionRef.update(all, (before) => [...before, one]))
    )
    const until = (isEnough: (all: ReadonlyArray<A>) => boolean) =>
      all.changes.pipe(Stream.filter(isEnough), Stream.runHead, Effect.zipRight(all.get))
    return { all: all.get, until }
  })
