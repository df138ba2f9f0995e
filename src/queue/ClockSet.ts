/**
 * What becomes of the times that the queue keeps when the wall clock is set: each stays as far away as it was. What a request waits for is
 * kept as a time of the wall clock, since that is what a person reads and what outlives the process.
 *
 * @internal
 */
import { type HealingRequest, instant } from "../request/HealingRequest.js"
import { queueState } from "../store/Change.js"
import type { BatchWriter } from "./BatchWriter.js"
import type { QueueParts } from "./QueueParts.js"

const moved = (at: number | null, by: number): number | null => (at === null ? null : instant(at + by))

const waitsForTime = ({ notBefore, waitUntil }: HealingRequest): boolean => notBefore !== null || waitUntil !== null

const moveWaits = (request: HealingRequest, by: number): HealingRequest => ({
  ...request,
  notBefore: moved(request.notBefore, by),
  waitUntil: moved(request.waitUntil, by)
})

/**
 * Moves them all by so many milliseconds, in memory and on disk.
 *
 * @internal
 */
export const move = (
  { cooldowns, holds, ledger, live: requests }: Pick<QueueParts, "cooldowns" | "holds" | "ledger" | "live">,
  writer: Pick<BatchWriter, "record">,
  by: number
): void => {
  cooldowns.move(by)
  if (holds.move(by)) writer.record(() => [queueState(holds.state())])
  for (const live of Array.from(requests.pending)) {
    // One whose wishes are being written keeps its instants, and its times are those of the clock as it was.
    if (live.unwritten > 0 || !waitsForTime(live.request)) continue
    const request = moveWaits(live.request, by)
    live.settled = request
    requests.update(live, request)
    ledger.happened(live, { from: "pending", to: request }, { done: () => {} })
  }
}
