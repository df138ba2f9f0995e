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

/** Each way to give every tag one of its values. */
const combinations = (values: Readonly<Record<string, ReadonlyArray<string>>>): ReadonlyArray<Record<string, string>> =>
  Object.entries(values).reduce<ReadonlyArray<Record<string, string>>>(
    (before, [tag, of]) => before.flatMap((tags) => of.map((value) => ({ ...tags, [tag]: value }))),
    [{}]
  )

/**
 * A counter whose other tags differ from one update to the next. Each of their `values` begins with 0: the first step of a counter that is
 * not there before is no increase to those who watch it. See https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics.
 *
 * @internal
 */
export const counters = <Tag extends string = never>(
  name: string,
  description: string,
  tags: Readonly<Record<string, string>>,
  values: Readonly<Record<Tag, ReadonlyArray<string>>>
): ((more: Readonly<Record<Tag, string>>, by: number) => void) => {
  const metric = Metric.counter(name, { description, incremental: true })
  const known = new Map<string, (by: number) => void>()
  const add = (more: Readonly<Record<string, string>>, by: number) => {
    const key = Object.values(more).join("\n")
    let one = known.get(key)
    if (one === undefined) {
      one = update(metric, { ...tags, ...more })
      known.set(key, one)
    }
    one(by)
  }
  for (const more of combinations(values)) add(more, 0)
  return add
}
