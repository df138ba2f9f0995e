/**
 * The mark that a fiber carries while it is inside of an OpenClaw job or a review, by which a healing that would wait
 * for its own caller is told (R9).
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"
import * as HashMap from "effect/HashMap"

/** @internal */
export interface Mark {
  readonly inside: "job" | "review"
  readonly name: string
  /** What a healing would have to wait on for this mark to matter: the running state that holds the job. */
  readonly of: object
  /** FiberRefs are inherited by daemons and outlive what they stood for, so that this must be told apart. */
  live: boolean
}

const marks = globalValue("effect-healing/Mark", () =>
  FiberRef.unsafeMake<ReadonlyArray<Mark>>([], {
    // A fiber that joins another one does not move into the jobs of that.
    join: (own) => own
  })
)

/** @internal */
export const within =
  (mark: Mark) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.locallyWith(self, marks, (outer) => [...outer.filter(({ live }) => live), mark])

/**
 * The same for a review, and the annotation of its logs beside it. Only for an uninterruptible caller, which makes it a
 * third of the price of two `Effect.locally`.
 *
 * @internal
 */
export const withinReview =
  (mark: Mark) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiberRuntime((fiber) => {
      const outer = fiber.getFiberRef(marks)
      const annotations = fiber.getFiberRef(FiberRef.currentLogAnnotations)
      const set = (inside: typeof outer, annotated: typeof annotations) =>
        Effect.zipRight(FiberRef.set(marks, inside), FiberRef.set(FiberRef.currentLogAnnotations, annotated))
      return set([...outer.filter(({ live }) => live), mark], HashMap.set(annotations, "healing.job", mark.name)).pipe(
        Effect.zipRight(Effect.exit(self)),
        Effect.zipLeft(set(outer, annotations)),
        Effect.flatten
      )
    })

/** @internal */
export const current: Effect.Effect<ReadonlyArray<Mark>> = FiberRef.get(marks)

/** @internal */
export const cleared = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.locally(self, marks, [])
