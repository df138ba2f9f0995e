/**
 * The mark of being inside of an OpenClaw job or a review, by which a healing that would wait for its own caller is told
 * (R9).
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"
import * as HashMap from "effect/HashMap"
import * as Runtime from "effect/Runtime"

/** @internal */
export interface InsideMark {
  readonly inside: "job" | "review"
  readonly name: string
  /** What a healing would have to wait on for this mark to matter: what `ForGate.of` is of the running state that holds the job. */
  readonly of: object
  /** A daemon carries it on for as long as it lives, so the end of what it stands for must be told. */
  live: boolean
}

// The marks do not stand in the context: a review may replace that by one that was captured elsewhere.
const marks = globalValue("effect-healing/InsideMark", () =>
  FiberRef.unsafeMake<ReadonlyArray<InsideMark>>([], {
    // A fiber that joins another one does not move into the jobs of that.
    join: (own) => own
  })
)

const add = (outer: ReadonlyArray<InsideMark>, mark: InsideMark) => [...outer.filter(({ live }) => live), mark]

/** @internal */
export const within =
  (mark: InsideMark) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.locallyWith(self, marks, (outer) => add(outer, mark))

/**
 * The same for a review, and the annotation of its logs beside it. Only for an uninterruptible caller, which makes it
 * about half the price of two `Effect.locally`.
 *
 * @internal
 */
export const withinReview =
  (mark: InsideMark) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiberRuntime((fiber) => {
      const outer = fiber.getFiberRef(marks)
      const annotations = fiber.getFiberRef(FiberRef.currentLogAnnotations)
      const set = (inside: typeof outer, annotated: typeof annotations) =>
        Effect.zipRight(FiberRef.set(marks, inside), FiberRef.set(FiberRef.currentLogAnnotations, annotated))
      return set(add(outer, mark), HashMap.set(annotations, "healing.job", mark.name)).pipe(
        Effect.zipRight(Effect.exit(self)),
        Effect.zipLeft(set(outer, annotations)),
        Effect.flatten
      )
    })

/** @internal */
export const current: Effect.Effect<ReadonlyArray<InsideMark>> = FiberRef.get(marks)

/** @internal */
export const cleared = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.locally(self, marks, [])

/**
 * A runtime whose fibers start outside of everything that its maker was inside of.
 *
 * @internal
 */
export const clearedRuntime = <R>(runtime: Runtime.Runtime<R>): Runtime.Runtime<R> =>
  Runtime.setFiberRef(runtime, marks, [])
