/**
 * The end of the queue: of its layer, or since another process owns its file by now.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { HealingClosed, type HealingStoreError } from "../HealingError.js"
import { endsWithin } from "../internal/Interruption.js"
import type { BatchWriter } from "./BatchWriter.js"
import { answerAll, type QueueLanes } from "./LiveRequests.js"
import * as QueueLog from "./QueueLog.js"
import type { QueueParts } from "./QueueParts.js"
import type { Reviewing } from "./Reviewing.js"

/** @internal */
export interface ClosingOptions {
  readonly parts: Pick<QueueParts, "gate" | "live" | "settings" | "store">
  readonly lanes: QueueLanes
  readonly writer: BatchWriter
  readonly reviewing: Reviewing
  readonly endEvents: Effect.Effect<void>
}

/**
 * Interrupts the reviews, which are pending again then, answers all who wait, and writes what can be written. A review that ignores its
 * interruption is waited for no longer than `shutdownTimeout`.
 *
 * - `lost`: why the queue ends before its layer does. Those who wait hear that.
 *
 * @internal
 */
export const close = (
  { endEvents, lanes, parts, reviewing, writer }: ClosingOptions,
  lost: HealingStoreError | undefined
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { gate, live: requests, settings, store } = parts
    // First of all, so that nobody is given the turns of those who run.
    for (const lane of Object.values(lanes)) gate.close(lane)
    const running = Array.from(requests.running)
    if (lost === undefined)
      yield* QueueLog.ending(
        store.location,
        running.map(({ job }) => job),
        requests.pendingCount
      )
    const stopped = Effect.forEach(running, (live) => reviewing.stop(live, "closed"), {
      concurrency: "unbounded",
      discard: true
    })
    if (!(yield* endsWithin(stopped, settings.shutdownTimeout))) {
      const names = Array.from(requests.running, ({ job }) => job)
      yield* QueueLog.ignoresEnd(names, settings.shutdownTimeout)
    }
    for (const live of requests.pending) {
      gate.leave(live)
      answerAll(live, Effect.fail(lost ?? new HealingClosed({ job: live.job })))
    }
    yield* writer.flush
    yield* endEvents
  })
