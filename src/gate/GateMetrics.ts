/**
 * What the gate measures. Each metric has the tag `queue`.
 *
 * @internal
 */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import { counters, gauge, update } from "../internal/TaggedMetric.js"

// From 10 milliseconds to about 12 hours.
const boundaries = MetricBoundaries.exponential({ start: 0.01, factor: 2, count: 23 })

/** @internal */
export const make = (queue: string) => {
  const tags = { queue }
  const waitSeconds = update(
    Metric.histogram("healing_wait_seconds", boundaries, "From the call of run until the first turn"),
    tags
  )
  const runSeconds = update(Metric.histogram("healing_run_seconds", boundaries, "One turn of a review"), tags)
  const timeouts = counters("healing_timeouts", "Healings without a turn within their max wait", tags, {})
  const yields = counters("healing_yields", "Turns that were yielded to a job that started", tags, {})
  return {
    waiting: gauge("healing_waiting", "Healings that wait for their turn", tags),
    running: gauge("healing_running", "Healings that have a turn", tags),
    waited: (millis: number) => waitSeconds(millis / 1000),
    ran: (millis: number) => runSeconds(millis / 1000),
    timedOut: () => timeouts({}, 1),
    yielded: () => yields({}, 1)
  }
}

/** @internal */
export type GateMetrics = ReturnType<typeof make>
