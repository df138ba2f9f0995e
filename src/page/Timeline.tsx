/**
 * The last hours as bars, one row for each job: what has run, waited and been under review.
 *
 * @internal
 */
import type { VNode } from "preact"
import type { ApiSegment } from "../http/ApiModel.js"
import { usePage } from "./Page.js"
import { Shown } from "./Shown.js"
import { type Row, rowsOf, ticksOf } from "./TimelineRows.js"
import { durationText, instantText } from "./Times.js"

/** More jobs than that are a list, and no picture. */
const MAX_ROWS = 40

const WORDS = { run: "run", review: "review", waiting: "waiting", unknown: "not known" } as const

/** What a row shows, in words: for those who do not see it. */
const inWords = ({ segments }: Row, now: number): string => {
  const counted = (["run", "review", "waiting", "unknown"] as const).flatMap((kind) => {
    const of = segments.filter((segment) => segment.kind === kind)
    const failed = of.filter(({ outcome }) => outcome === "failed").length
    return of.length === 0 ? [] : [`${of.length} × ${WORDS[kind]}${failed === 0 ? "" : `, ${failed} failed`}`]
  })
  const open = segments
    .filter(({ to }) => to === null)
    .map(({ from, kind }) => `${WORDS[kind]} for ${durationText(now - from)} now`)
  return [...counted, ...open].join("; ")
}

const percent = (part: number): string => `${(part * 100).toFixed(3)}%`

const Bar = ({ from, now, segment }: { readonly from: number; readonly now: number; readonly segment: ApiSegment }) => {
  const span = now - from
  const start = Math.max((segment.from - from) / span, 0)
  const end = Math.min(((segment.to ?? now) - from) / span, 1)
  const failed = segment.outcome === "failed"
  const ends = segment.to === null ? "" : `, ${segment.outcome ?? "ended"}`
  return (
    <g class={`bar ${segment.kind}${failed ? " failed" : ""}`}>
      <title>{`${WORDS[segment.kind]}: ${instantText(segment.from, now)}, ${durationText((segment.to ?? now) - segment.from)}${ends}`}</title>
      <rect x={percent(start)} width={percent(Math.max(end - start, 0))} y="3" height="14" />
      {failed ? (
        <text x={percent(end)} y="14" text-anchor="end">
          ✕
        </text>
      ) : null}
    </g>
  )
}

/**
 * The patterns of the bars, which the whole document may use.
 *
 * @internal
 */
export const Patterns = (): VNode => (
  <svg class="patterns" aria-hidden="true" focusable="false" width="0" height="0">
    <defs>
      <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect class="ground" width="6" height="6" />
        <rect class="ink" width="3" height="6" />
      </pattern>
      <pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse">
        <rect class="ground" width="6" height="6" />
        <circle class="ink" cx="2" cy="2" r="1.2" />
        <circle class="ink" cx="5" cy="5" r="1.2" />
      </pattern>
      <pattern id="cross" width="7" height="7" patternUnits="userSpaceOnUse">
        <rect class="ground" width="7" height="7" />
        <path class="line" d="M0 0L7 7M7 0L0 7" />
      </pattern>
    </defs>
  </svg>
)

/** A text at that part of the way, which stands out on neither side. */
const within = (part: number) => ({ left: percent(part), transform: `translateX(-${percent(part)})` })

const LEGEND = [
  ["run", "a job runs"],
  ["run failed", "it has failed"],
  ["review", "under review"],
  ["waiting", "waits for its review"],
  ["unknown", "not known what runs"]
] as const

const Legend = () => (
  <ul class="legend">
    {LEGEND.map(([kind, words]) => (
      <li key={kind}>
        <svg aria-hidden="true" focusable="false" width="28" height="20">
          <g class={`bar ${kind}`}>
            <rect x="1" y="3" width="26" height="14" />
            {kind === "run failed" ? (
              <text x="26" y="14" text-anchor="end">
                ✕
              </text>
            ) : null}
          </g>
        </svg>
        {words}
      </li>
    ))}
  </ul>
)

/**
 * - `span`: how far back it goes, in milliseconds.
 *
 * @internal
 */
export const Timeline = ({ span }: { readonly span: number }): VNode => {
  const { live, now: clock } = usePage()
  const now = clock.value
  const from = now - span
  const rows = rowsOf(live.value.segments.values(), from)
  if (rows.length === 0) return <p class="quiet">Nothing has run and nothing has waited in this time.</p>
  const ticks = ticksOf(from, now)
  return (
    <div class="timeline">
      <Legend />
      <ol class="rows">
        {rows.slice(0, MAX_ROWS).map((row) => (
          <li key={row.name}>
            <span class="name" title={row.name}>
              <Shown text={row.name} />
            </span>
            <span class="sr">: {inWords(row, now)}</span>
            <svg aria-hidden="true" focusable="false" width="100%" height="20">
              {ticks.map((tick) => (
                <line
                  key={tick}
                  x1={percent((tick - from) / span)}
                  x2={percent((tick - from) / span)}
                  y1="0"
                  y2="20"
                  class="tick"
                />
              ))}
              {row.segments.map((segment) => (
                <Bar key={segment.id} from={from} now={now} segment={segment} />
              ))}
            </svg>
          </li>
        ))}
      </ol>
      <div class="axis" aria-hidden="true">
        {ticks.map((tick) => (
          <span key={tick} style={within((tick - from) / span)}>
            {instantText(tick, now).replace(/:00$/, "")}
          </span>
        ))}
      </div>
      {rows.length > MAX_ROWS ? (
        <p class="quiet">and {rows.length - MAX_ROWS} more, whose last time is longer ago</p>
      ) : null}
    </div>
  )
}
