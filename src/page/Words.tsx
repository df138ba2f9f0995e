/**
 * The small things that many views show: an instant, a duration, a state, a problem.
 *
 * @internal
 */
import type { ComponentChildren, VNode } from "preact"
import { usePage } from "./Page.js"
import { distanceText, durationText, instantText } from "./Times.js"

/**
 * An instant, and how far away it is.
 *
 * @internal
 */
export const Instant = ({ at, near = true }: { readonly at: number; readonly near?: boolean }): VNode => {
  const clock = usePage().now
  // What does not say how far away it is does not change each second.
  const now = near ? clock.value : clock.peek()
  return (
    <time dateTime={new Date(at).toISOString()} title={new Date(at).toString()}>
      {instantText(at, now)}
      {near ? ` (${distanceText(at, now)})` : ""}
    </time>
  )
}

/** @internal */
export const Lasting = ({ from, to }: { readonly from: number; readonly to: number | null }): VNode => (
  <>{durationText((to ?? usePage().now.value) - from)}</>
)

/** By more than its colour: each state has a mark of its own. */
const MARKS: Readonly<Record<string, readonly [mark: string, tone: string]>> = {
  pending: ["…", "wait"],
  running: ["▶", "go"],
  completed: ["✓", "good"],
  succeeded: ["✓", "good"],
  failed: ["✕", "bad"],
  skipped: ["–", "dull"],
  cancelled: ["⊘", "dull"],
  coalesced: ["⇉", "dull"],
  stopped: ["■", "dull"],
  approved: ["✓", "go"],
  applying: ["▶", "go"],
  applied: ["◉", "go"],
  confirmed: ["✓", "good"],
  relapsed: ["✕", "bad"],
  inconclusive: ["?", "wait"],
  rolled_back: ["↶", "dull"],
  rejected: ["⊘", "dull"],
  expired: ["–", "dull"],
  superseded: ["⇉", "dull"],
  ok: ["✓", "good"],
  warn: ["!", "wait"],
  fail: ["✕", "bad"],
  low: ["·", "dull"],
  medium: ["!", "dull"],
  high: ["!!", "wait"],
  critical: ["!!!", "bad"]
}

/** @internal */
export const State = ({ state }: { readonly state: string }): VNode => {
  const [mark, tone] = MARKS[state] ?? ["•", "dull"]
  return (
    <span class={`state ${tone}`}>
      <span aria-hidden="true">{mark}</span> {state.replace("_", " ")}
    </span>
  )
}

/** @internal */
export const Problem = ({ children }: { readonly children: ComponentChildren }): VNode => (
  <p class="problem" role="alert">
    {children}
  </p>
)

/**
 * The names of the columns of a table.
 *
 * @internal
 */
export const Heads = ({ names }: { readonly names: ReadonlyArray<string> }): VNode => (
  <thead>
    <tr>
      {names.map((name) => (
        <th key={name} scope="col">
          {name}
        </th>
      ))}
    </tr>
  </thead>
)

/**
 * A list of what something has. What is `null` is left out.
 *
 * @internal
 */
export const Facts = ({
  facts
}: {
  readonly facts: ReadonlyArray<readonly [name: string, value: ComponentChildren]>
}): VNode => (
  <dl class="facts">
    {facts
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
  </dl>
)
