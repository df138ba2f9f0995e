/**
 * What one turn costs without a gate: a bare semaphore, inside the same span and the same metric updates.
 */
import { Effect } from "effect"
import * as GateMetrics from "../../src/gate/GateMetrics.js"

const semaphore = Effect.unsafeMakeSemaphore(1)
const metrics = GateMetrics.make("floor")

/** Both gauges are told of each of the three changes: it enters the line, gets its turn, ends. */
const told = (waiting: number, running: number) => {
  metrics.waiting(waiting)
  metrics.running(running)
}

export const bareTurn = <A>(review: Effect.Effect<A>): Effect.Effect<A> =>
  Effect.suspend(() => {
    told(1, 0)
    told(0, 1)
    metrics.waited(0)
    return review
  }).pipe(
    semaphore.withPermits(1),
    Effect.withSpan("HealingService.run", {
      attributes: { "healing.job": "job", "healing.priority": -10, "healing.wait_ms": 0, "healing.yields": 0 },
      captureStackTrace: false
    }),
    Effect.tap(() => {
      metrics.ran(0)
      told(0, 0)
    })
  )
