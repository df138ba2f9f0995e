/** Sweeps of interruptions: an effect is run again and again, each time interrupted before another one of its ops. */
import { assert } from "@effect/vitest"
import { Effect, type Fiber, Scheduler, type Scope } from "effect"
import { isFull } from "./property.js"

/** How many of its own ops a fiber stands back for: more than anything in the tests takes. */
const ROUNDS = 200

/**
 * Does something before the n-th op of an effect, counted over its fiber and the children of that; the effect then
 * either goes on at once, or lets all other fibers run first, or stands back until they have come to their ends.
 *
 * - `isCounting`: whether ops are counted yet, and still.
 */
export const beforeOp =
  (
    n: number,
    meddle: () => void,
    afterwards: "go on" | "yield" | "stand back",
    isCounting: () => boolean = () => true
  ) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
    let ops = 0
    return Effect.withScheduler(
      effect,
      Scheduler.make(
        (task, priority, fiber) => Scheduler.defaultScheduler.scheduleTask(task, priority, fiber),
        (fiber) => {
          if (!isCounting()) return Scheduler.defaultShouldYield(fiber)
          ops++
          if (ops > n && ops < n + ROUNDS && afterwards === "stand back") return 0
          if (ops !== n) return Scheduler.defaultShouldYield(fiber)
          meddle()
          return afterwards === "go on" ? false : 0
        }
      )
    )
  }

/** How the interrupted fiber goes on, and after how many ops it yields by itself. */
interface Way {
  readonly afterwards: "go on" | "yield"
  readonly budget: number
  /** From one op that is tried to the next: every op in full. */
  readonly stride: number
}

export const ways: ReadonlyArray<Way> = [
  { afterwards: "go on", budget: 2048, stride: isFull ? 1 : 7 },
  { afterwards: "yield", budget: 2048, stride: isFull ? 1 : 7 },
  // Below about 10, Effect's own yield eats the whole budget.
  { afterwards: "go on", budget: 16, stride: isFull ? 1 : 23 }
]

/** The name of a test. */
export const nameOf = (what: string, { afterwards, budget }: Way): string =>
  `${what} (${afterwards}, ${budget} ops before a yield)`

/** One victim, and whether it was reached and interrupted before it had ended. */
export interface Victim<E> {
  readonly fiber: Fiber.RuntimeFiber<unknown, E>
  readonly isReached: () => boolean
}

/**
 * Forks what is interrupted before its n-th op.
 *
 * It begins only when its fiber is known here. A fiber that forks it with few ops left lets it run before that, and an interruption of
 * what has no name yet throws in the scheduler, which stops the fiber for good: that hung, at whichever op it fell upon.
 */
export const victimOf = <E, R>(
  effect: Effect.Effect<unknown, E, R>,
  op: number,
  afterwards: Way["afterwards"]
): Effect.Effect<Victim<E>, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const isKnown = yield* Effect.makeLatch(false)
    let reached = false
    const fiber: Fiber.RuntimeFiber<unknown, E> = yield* effect.pipe(
      beforeOp(
        op,
        () => {
          reached = true
          fiber.unsafeInterruptAsFork(fiber.id())
        },
        afterwards
      ),
      isKnown.whenOpen,
      Effect.forkScoped
    )
    yield* isKnown.open
    return { fiber, isReached: () => reached }
  })

/**
 * Tries one op after the other until there are no more, at least so many.
 *
 * - `once`: tries one, and answers whether it was there.
 */
export const sweep = <E, R>(
  { budget, stride }: Way,
  atLeast: number,
  once: (op: number) => Effect.Effect<boolean, E, R>
) =>
  Effect.gen(function* () {
    let op = 1
    while (yield* once(op)) {
      op += stride
      // The test runner, too, wants to run now and then.
      yield* Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
    }
    assert.isAbove(op, atLeast)
  }).pipe(Effect.withMaxOpsBeforeYield(budget))
