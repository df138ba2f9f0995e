/**
 * When only what is critical is told.
 *
 * @internal
 */
import { nextOccurrence } from "../policy/HealingSchedule.js"
import type { QuietHours } from "../settings/HealingConfig.js"

/**
 * Until when it is quiet, in milliseconds since 1970; `undefined` if it is not. A change of the clocks moves its ends as it moves those of
 * schedules.
 *
 * @internal
 */
export const quietUntil = (hours: QuietHours | undefined, at: number): number | undefined => {
  if (hours === undefined) return undefined
  const { from, timeZone, to } = hours
  const end = nextOccurrence({ frequency: "daily", time: to, timeZone }, at)
  const start = nextOccurrence({ frequency: "daily", time: from, timeZone }, at)
  // It has begun, if its end comes before its next beginning.
  return end < start ? end : undefined
}
