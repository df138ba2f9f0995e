/**
 * Metrics in the text format of Prometheus. See https://prometheus.io/docs/instrumenting/exposition_formats.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as MetricPair from "effect/MetricPair"
import * as MetricState from "effect/MetricState"
import * as Option from "effect/Option"

/** Those of this package; the app has its own ways for its own. */
const PREFIX = "healing_"

const inHelp = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")

const inLabel = (text: string): string => inHelp(text).replaceAll('"', '\\"')

const number = (value: number | bigint): string => {
  if (value === Number.POSITIVE_INFINITY) return "+Inf"
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value)
}

type Labels = ReadonlyArray<readonly [name: string, value: string]>

const line = (name: string, labels: Labels, value: number | bigint): string => {
  const all = labels.map(([key, text]) => `${key}="${inLabel(text)}"`).join(",")
  return `${name}${all === "" ? "" : `{${all}}`} ${number(value)}`
}

interface Family {
  readonly type: "counter" | "gauge" | "histogram"
  readonly help: string
  readonly lines: Array<string>
}

/** `undefined` for kinds that this package has none of. */
const samples = (
  name: string,
  labels: Labels,
  state: MetricPair.MetricPair.Untyped["metricState"]
): { readonly type: Family["type"]; readonly lines: ReadonlyArray<string> } | undefined => {
  if (MetricState.isCounterState(state)) return { type: "counter", lines: [line(name, labels, state.count)] }
  if (MetricState.isGaugeState(state)) return { type: "gauge", lines: [line(name, labels, state.value)] }
  if (!MetricState.isHistogramState(state)) return undefined
  const finite = state.buckets.filter(([bound]) => Number.isFinite(bound))
  return {
    type: "histogram",
    lines: [
      ...finite.map(([bound, count]) => line(`${name}_bucket`, [...labels, ["le", number(bound)]], count)),
      line(`${name}_bucket`, [...labels, ["le", "+Inf"]], state.count),
      line(`${name}_sum`, labels, state.sum),
      line(`${name}_count`, labels, state.count)
    ]
  }
}

/** @internal */
export const text: Effect.Effect<string> = Effect.sync(() => {
  const families = new Map<string, Family>()
  for (const { metricKey, metricState } of Metric.unsafeSnapshot()) {
    const { description, name, tags } = metricKey
    if (!name.startsWith(PREFIX)) continue
    const found = samples(
      name,
      tags.map(({ key, value }) => [key, value] as const),
      metricState
    )
    if (found === undefined) continue
    const family = families.get(name) ?? { type: found.type, help: Option.getOrElse(description, () => ""), lines: [] }
    family.lines.push(...found.lines)
    families.set(name, family)
  }
  return Array.from(families)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, { help, lines, type }]) =>
      [`# HELP ${name} ${inHelp(help)}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n")
    )
    .join("")
})
