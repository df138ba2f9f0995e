/**
 * Metrics that are updated in plain code, with their tags.
 *
 * @internal
 */
import * as Metric from "effect/Metric"
import * as MetricLabel from "effect/MetricLabel"

/**
 * The way to update a metric with these tags.
 *
 * @internal
 */
export const update = <Type, In, Out>(
  metric: Metric.Metric<Type, In, Out>,
  tags: Readonly<Record<string, string>>
): ((value: In) => void) => {
  // One array for all updates: by its identity the metric finds its state without a search.
  const labels = Object.entries(tags).map(([key, value]) => MetricLabel.make(key, value))
  return (value) => metric.unsafeUpdate(value, labels)
}

/**
 * A gauge, which costs nothing as long as it stays where it is.
 *
 * @internal
 */
export const gauge = (
  name: string,
  description: string,
  tags: Readonly<Record<string, string>>
): ((value: number) => void) => {
  const set = update(Metric.gauge(name, { description }), tags)
  let last = Number.NaN
  return (value) => {
    if (value !== last) {
      last = value
      set(value)
    }
  }
}

/**
 * A counter whose other tags differ from one update to the next. There are few of those.
 *
 * @internal
 */
export const counters = (
  name: string,
  description: string,
  tags: Readonly<Record<string, string>>
): ((more: Readonly<Record<string, string>>, by: number) => void) => {
  const metric = Metric.counter(name, { description })
  const known = new Map<string, (by: number) => void>()
  return (more, by) => {
    const key = Object.values(more).join("\n")
    let add = known.get(key)
    if (add === undefined) {
      add = update(metric, { ...tags, ...more })
      known.set(key, add)
    }
    add(by)
  }
}
