import { assert, it } from "@effect/vitest"
import { Effect, Metric, MetricBoundaries } from "effect"
import * as Prometheus from "../../src/http/Prometheus.js"

/** A line of a sample: its name, its labels, each quoted and escaped, and its value. */
const SAMPLE =
  /^[a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (?:[-+]?\d+(?:\.\d+)?(?:e[-+]\d+)?|[-+]Inf|NaN)$/

it.effect("tells the metrics of the package in the format of Prometheus, and no others", () =>
  Effect.gen(function* () {
    const counter = Metric.counter("healing_test_counter", { description: 'a "test"\nof \\ signs' })
    yield* Metric.incrementBy(Metric.tagged(counter, "job", 'a"b\\c\nd'), 3)
    yield* Metric.set(Metric.gauge("healing_test_gauge"), -1.5)
    const histogram = Metric.histogram("healing_test_histogram", MetricBoundaries.fromIterable([1, 10]))
    for (const value of [0.5, 5, 50]) yield* Metric.update(histogram, value)
    yield* Metric.increment(Metric.counter("somebody_elses"))

    const lines = (yield* Prometheus.text).split("\n")
    assert.strictEqual(lines.pop(), "")
    for (const line of lines) assert.isTrue(/^# (?:HELP|TYPE) healing_/.test(line) || SAMPLE.test(line), line)
    const about = (name: string) => lines.filter((line) => line.includes(name))
    assert.deepStrictEqual(about("healing_test_counter"), [
      '# HELP healing_test_counter a "test"\\nof \\\\ signs',
      "# TYPE healing_test_counter counter",
      'healing_test_counter{job="a\\"b\\\\c\\nd"} 3'
    ])
    assert.deepStrictEqual(about("healing_test_gauge"), [
      "# HELP healing_test_gauge ",
      "# TYPE healing_test_gauge gauge",
      "healing_test_gauge -1.5"
    ])
    assert.deepStrictEqual(about("healing_test_histogram").slice(1), [
      "# TYPE healing_test_histogram histogram",
      'healing_test_histogram_bucket{le="1"} 1',
      'healing_test_histogram_bucket{le="10"} 2',
      'healing_test_histogram_bucket{le="+Inf"} 3',
      "healing_test_histogram_sum 55.5",
      "healing_test_histogram_count 3"
    ])
    assert.deepStrictEqual(about("somebody_elses"), [])
  })
)
