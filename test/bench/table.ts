/**
 * The measurements that were named, or all of them, as one table.
 */
import { availableParallelism } from "node:os"
import { Effect } from "effect"
import { drain } from "./drain.js"
import { heap } from "./heap.js"
import { latency } from "./latency.js"
import { memory } from "./memory.js"
import { open } from "./open.js"
import { processing } from "./process.js"
import type { Row } from "./ratio.js"
import { reports } from "./reports.js"
import { schedule } from "./schedule.js"
import { submit } from "./submit.js"
import { uncontended } from "./uncontended.js"

const measurements: Record<string, Effect.Effect<ReadonlyArray<Row>>> = {
  latency,
  uncontended,
  drain,
  reports,
  heap,
  submit,
  process: processing,
  open,
  memory,
  schedule
}

const showRatio = (ratio: number): string => (ratio < 100 ? ratio.toFixed(2) : Math.round(ratio).toLocaleString("en"))

const line = ({ floor, ours, ratio, target, what }: Row): string => {
  const verdict = target === undefined ? ["", ""] : [`${target}x`, ratio <= target ? "yes" : "no"]
  return `| ${[what, ours, floor, `${showRatio(ratio)}x`, ...verdict].join(" | ")} |`
}

const names = process.argv.slice(2)
const unknown = names.find((name) => !(name in measurements))
if (unknown !== undefined) {
  console.error(`${unknown} is none of ${Object.keys(measurements).join(", ")}`)
  process.exit(1)
}

console.log(`Node ${process.version}, ${availableParallelism()} cores\n`)
console.log("| what | ours | floor | ratio | target | ok |\n| --- | --- | --- | --- | --- | --- |")
for (const [name, measurement] of Object.entries(measurements)) {
  if (names.length > 0 && !names.includes(name)) continue
  for (const row of await Effect.runPromise(measurement)) console.log(line(row))
}
process.exit()
