/**
 * What a screen sees of the gate, and the news that there is something new to see.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Subscribable from "effect/Subscribable"
import type { HeldBy } from "../HealingError.js"
import type { RunningState } from "../running/RunningState.js"
import type { HealingSettings } from "../settings/HealingConfig.js"
import type { Dispatcher } from "./Dispatcher.js"
import type { HealingStatus } from "./HealingStatus.js"
import type { Ticket } from "./Ticket.js"

const MAX_LINE = 100

/**
 * - `heldBy`: what holds a ticket up in this running state, now.
 *
 * @internal
 */
export interface StatusOptions {
  readonly settings: HealingSettings
  readonly dispatcher: Dispatcher
  readonly running: Effect.Effect<RunningState>
  readonly heldBy: (ticket: Ticket, state: RunningState, at: number) => ReadonlyArray<HeldBy>
  readonly now: () => number
}

/**
 * - `notify`: something has changed.
 * - `end`: nothing will change any more.
 *
 * @internal
 */
export interface StatusFeed {
  readonly notify: () => void
  readonly end: () => void
  readonly status: Subscribable.Subscribable<HealingStatus>
}

/** @internal */
export const make = ({ dispatcher, heldBy, now, running, settings }: StatusOptions): StatusFeed => {
  const { lanes, turns } = dispatcher
  const watchers = new Set<Effect.Latch>()
  let hasEnded = false

  const status: Effect.Effect<HealingStatus> = Effect.map(running, (state) => {
    const present = now()
    lanes.release(present)
    const line = lanes.take(MAX_LINE)
    const first = line[0]
    return {
      waiting: lanes.waiting,
      line: line.map(({ calledAt, job, priority, yields }) => ({
        job,
        priority,
        waited: Duration.millis(present - calledAt),
        yields
      })),
      running: Array.from(turns, ({ job, priority, turn, yields }) => ({
        job,
        priority,
        running: Duration.millis(present - (turn?.at ?? present)),
        yields
      })),
      heldBy: first === undefined ? [] : heldBy(first, state, present),
      holds: lanes.heldBy(present),
      quotas: state.quotas,
      settings
    }
  })

  const watch = Effect.acquireRelease(
    Effect.sync(() => {
      const watcher = Effect.unsafeMakeLatch(true)
      watchers.add(watcher)
      return watcher
    }),
    (watcher) => Effect.sync(() => watchers.delete(watcher))
  )

  const statusAfterChange = (watcher: Effect.Latch): Effect.Effect<HealingStatus> =>
    Effect.flatMap(watcher.await, () => {
      watcher.unsafeClose()
      return status
    })

  const notify = () => {
    for (const watcher of watchers) watcher.unsafeOpen()
  }

  return {
    notify,
    end: () => {
      hasEnded = true
      notify()
    },
    status: Subscribable.make({
      get: status,
      changes: Stream.unwrapScoped(
        Effect.map(watch, (watcher) => Stream.repeatEffect(statusAfterChange(watcher)))
      ).pipe(Stream.takeUntil(() => hasEnded))
    })
  }
}
