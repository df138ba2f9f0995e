/**
 * What holds a waiter up now.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as HashMap from "effect/HashMap"
import * as Iterable from "effect/Iterable"
import { type HeldBy, MAX_NAMES } from "../HealingError.js"
import type { RunningState } from "../running/RunningState.js"
import type { HealingSettings } from "../settings/HealingConfig.js"
import type { Dispatcher, Situation } from "./Dispatcher.js"
import type { Ticket } from "./Ticket.js"

/**
 * Everything that holds it up, in the order in which people ask for it: what they have done themselves, its own delay, the
 * jobs, other reviews.
 *
 * @internal
 */
export const heldBy = (
  ticket: Ticket,
  state: RunningState,
  { at, quietAt }: Omit<Situation, "started">,
  { isFull, turns }: Pick<Dispatcher, "isFull" | "turns">,
  { enabled }: Pick<HealingSettings, "enabled">
): ReadonlyArray<HeldBy> => {
  const held: Array<HeldBy> = []
  if (!enabled) held.push({ _tag: "Disabled" })
  held.push(...ticket.lane.heldBy(at))
  if (ticket.notBefore > at && ticket.notBefore < Number.POSITIVE_INFINITY) {
    held.push({ _tag: "NotBefore", remaining: Duration.millis(ticket.notBefore - at) })
  }
  if (!ticket.overdue) {
    const remaining = quietAt - at
    if (state.unknown.length > 0) held.push({ _tag: "UnknownSources", sources: state.unknown.slice(0, MAX_NAMES) })
    if (!HashMap.isEmpty(state.jobs)) held.push({ _tag: "Jobs", jobs: firstNames(HashMap.keys(state.jobs)) })
    else if (remaining > 0 && remaining < Number.POSITIVE_INFINITY) {
      held.push({ _tag: "QuietPeriod", remaining: Duration.millis(remaining) })
    }
  }
  if (isFull) {
    held.push({ _tag: "Turn", reviews: firstNames(Iterable.map(turns, ({ job }) => job)) })
  } else if (ticket.notBefore === Number.POSITIVE_INFINITY) {
    // Its owner delays it until the other review of its job has ended.
    held.push({ _tag: "Turn", reviews: [ticket.job] })
  }
  return held
}

const firstNames = (names: Iterable<string>): ReadonlyArray<string> => Arr.fromIterable(Iterable.take(names, MAX_NAMES))
