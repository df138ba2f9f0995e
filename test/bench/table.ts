/**
 * The measurements that were named, or all of them, as one table.
 */
import { availableParallelism } from "node:os"
import { Effect } from "effect"
import { drain } from "./drain.js"
import { heap } from "./heap.js"
import { latency } from "./latency.js"
import { memory } from "./memory.js"
import { notices } from "./notices.js"
import { open } from "./open.js"
import * as page from "./page.js"
import * as postgres from "./postgres.js"
import { processing } from "./process.js"
import { isQuick, type Row } from "./ratio.js"
import { reports } from "./reports.js"
import { schedule } from "./schedule.js"
import { stops } from "./stops.js"
import { submit } from "./submit.js"
import { uncontended } from "./uncontended.js"
import { watchers } from "./watchers.js"

/** Each measurement, and how many rows it has. */
const measurements: Record<string, readonly [rows: number, measured: Effect.Effect<ReadonlyArray<Row>>]> = {
  latency: [2, latency],
  uncontended: [1, uncontended],
  drain: [7, drain],
  reports: [2, reports],
  heap: [1, heap],
  submit: [3, submit],
  process: [2, processing],
  open: [2, open],
  memory: [1, memory],
  schedule: [9, schedule],
  stops: [1, stops],
  watchers: [1, watchers],
  notices: [2, notices],
  page: [page.rows, page.page],
  postgres: [postgres.rows, postgres.postgres]
}

const showRatio = (ratio: number): string => (ratio < 100 ? ratio.toFixed(2) : Math.round(ratio).toLocaleString("en"))

const line = ({ floor, ours, ratio, target, what }: Row): string => {
  const verdict = target === undefined || isQuick ? ["", ""] : [`${target}x`, ratio <= target ? "yes" : "no"]
  return `| ${[what, ours, floor, `${showRatio(ratio)}x`, ...verdict].join(" | ")} |`
}

const names = process.argv.slice(2).filter((name) => name !== "--quick")
const unknown = names.find((name) => !(name in measurements))
if (unknown !== undefined) {
  console.error(`${unknown} is none of ${Object.keys(measurements).join(", ")}`)
  process.exit(1)
}

console.log(`Node ${process.version}, ${availableParallelism()} cores\n`)
console.log("| what | ours | floor | ratio | target | ok |\n| --- | --- | --- | --- | --- | --- |")
for (const [name, [count, measured]] of Object.entries(measurements)) {
  if (names.length > 0 && !names.includes(name)) continue
  const rows = await Effect.runPromise(measured)
  for (const row of rows) console.log(line(row))
  const wrong = rows.filter(({ ratio }) => !Number.isFinite(ratio)).map(({ what }) => `"${what}" is no number`)
  if (rows.length !== count) wrong.push(`${name} has ${rows.length} rows instead of ${count}`)
  if (wrong.length > 0) {
    console.error(wrong.join("\n"))
    process.exit(1)
  }
}
process.exit()
