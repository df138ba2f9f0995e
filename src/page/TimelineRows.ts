/**
 * The rows of the timeline, and the times that are written below it. Plain values.
 *
 * @internal
 */
import type { ApiSegment } from "../http/ApiModel.js"

/**
 * - `last`: when something of it was seen last; infinite while something goes on.
 *
 * @internal
 */
export interface Row {
  readonly name: string
  readonly segments: ReadonlyArray<ApiSegment>
  readonly last: number
}

/**
 * The rows of what there was since an instant: what goes on now first, then what was last.
 *
 * @internal
 */
export const rowsOf = (segments: Iterable<ApiSegment>, from: number): ReadonlyArray<Row> => {
  const rows = new Map<string, Array<ApiSegment>>()
  for (const segment of segments) {
    if ((segment.to ?? Number.POSITIVE_INFINITY) < from) continue
    const row = rows.get(segment.name)
    if (row === undefined) rows.set(segment.name, [segment])
    else row.push(segment)
  }
  return Array.from(rows, ([name, segments]) => ({
    name,
    segments: segments.sort((a, b) => a.from - b.from),
    last: Math.max(...segments.map(({ to }) => to ?? Number.POSITIVE_INFINITY))
  })).sort((a, b) => (a.last === b.last ? a.name.localeCompare(b.name) : b.last - a.last))
}

const STEPS = [60, 120, 300, 600, 1800, 3600].map((seconds) => seconds * 1000)

/**
 * Round times of the reader's clock, at most seven of them.
 *
 * @internal
 */
export const ticksOf = (from: number, now: number): ReadonlyArray<number> => {
  const step = STEPS.find((step) => (now - from) / step <= 6) ?? 3_600_000
  const zone = new Date(now).getTimezoneOffset() * 60_000
  const first = Math.ceil((from - zone) / step) * step + zone
  return Array.from({ length: Math.floor((now - first) / step) + 1 }, (_, index) => first + index * step)
}
