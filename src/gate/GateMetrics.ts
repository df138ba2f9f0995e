/**
 * What the gate measures. Each metric has the tag `queue`.
 *
 * @internal
 */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricLabel from "effect/MetricLabel"

// From 10 milliseconds to about 12 hours.
const boundaries = MetricBoundaries.exponential({ start: 0.01, factor: 2, count: 23 })

const update = <Type, In, Out>(metric: Metric.Metric<Type, In, Out>, queue: string) => {
  // One array for all updates: by its identity the metric finds its state without a search.
  const tags = [MetricLabel.make("queue", queue)]
  return (value: In) => metric.unsafeUpdate(value, tags)
}

/** A gauge costs nothing as long as it stays where it is. */
const gauge = (name: string, description: string, queue: string) => {
  const set = update(Metric.gauge(name, { description }), queue)
  let last = Number.NaN
  return (value: number) => {
    if (value !== last) {
      last = value
      set(value)
    }
  }
}

/** @internal */
export const make = (queue: string) => {
  const waitSeconds = update(
    Metric.histogram("healing_wait_seconds", boundaries, "From the call of run until the first turn"),
    queue
  )
  const runSeconds = update(Metric.histogram("healing_run_seconds", boundaries, "One turn of a review"), queue)
  const timeouts = update(
    Metric.counter("healing_timeouts", { description: "Healings without a turn within their max wait" }),
    queue
  )
  const yields = update(
    Metric.counter("healing_yields", { description: "Turns that were yielded to a job that started" }),
    queue
  )
  return {
    waiting: gauge("healing_waiting", "Healings that wait for their turn", queue),
    running: gauge("healing_running", "Healings that have a turn", queue),
    waited: (millis: number) => waitSeconds(millis / 1000),
    ran: (millis: number) => runSeconds(millis / 1000),
    timedOut: () => timeouts(1),
    yielded: () => yields(1)
  }
}

/** @internal */
export type GateMetrics = ReturnType<typeof make>
