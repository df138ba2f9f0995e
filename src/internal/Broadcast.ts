/**
 * Tells each listener what happens from then on. A listener who is late misses the oldest, and slows nobody down.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Mailbox from "effect/Mailbox"
import * as Stream from "effect/Stream"

/** @internal */
export interface Broadcast<A> {
  readonly tell: (message: A) => void
  readonly listen: Stream.Stream<A>
  /** Tells each new listener these first, with nothing missed in between. */
  readonly listenFrom: (first: () => ReadonlyArray<A>) => Stream.Stream<A>
  /** There is nothing more to tell. */
  readonly end: Effect.Effect<void>
}

/**
 * The same, and what is told before anybody listens is kept for the first who does, instead of what new listeners are told first.
 *
 * @internal
 */
export const keeping = <A>(capacity: number): Broadcast<A> => {
  const broadcast = make<A>(capacity)
  let early: ReadonlyArray<A> | undefined = []
  const listenFrom = (first: () => ReadonlyArray<A>) =>
    broadcast.listenFrom(() => {
      const kept = early
      early = undefined
      return kept ?? first()
    })
  return {
    ...broadcast,
    tell: (message) => {
      if (early === undefined) broadcast.tell(message)
      else early = [...early, message].slice(-capacity)
    },
    listen: listenFrom(() => []),
    listenFrom
  }
}

/**
 * Up to `capacity` messages are kept for each listener.
 *
 * @internal
 */
export const make = <A>(capacity: number): Broadcast<A> => {
  const listeners = new Set<Mailbox.Mailbox<A>>()
  let ended = false

  const enrol = Effect.acquireRelease(
    Effect.map(Mailbox.make<A>({ capacity, strategy: "sliding" }), (mailbox) => {
      if (ended) mailbox.unsafeDone(Exit.void)
      else listeners.add(mailbox)
      return mailbox
    }),
    (mailbox) => Effect.sync(() => listeners.delete(mailbox))
  )

  const listen = (greet: (mailbox: Mailbox.Mailbox<A>) => void): Stream.Stream<A> =>
    Stream.unwrapScoped(
      Effect.map(enrol, (mailbox) => {
        greet(mailbox)
        return Mailbox.toStream(mailbox)
      })
    )

  return {
    tell: (message) => {
      for (const mailbox of listeners) mailbox.unsafeOffer(message)
    },
    listen: listen(() => {}),
    listenFrom: (first) => listen((mailbox) => mailbox.unsafeOfferAll(first())),
    end: Effect.suspend(() => {
      ended = true
      return Effect.forEach(listeners, (mailbox) => mailbox.end, { discard: true })
    })
  }
}
