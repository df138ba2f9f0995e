/**
 * Times as ProcClaw writes them: those of the clocks on its wall, without a zone.
 *
 * @internal
 */
import { LAST_INSTANT } from "../internal/LastInstant.js"
import * as TimeZone from "../policy/TimeZone.js"

const LOCAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?$/

/** The clocks of no zone differ by more from UTC. */
const MAX_OFFSET = 16 * 3_600_000

/**
 * The instant in milliseconds since 1970, in the zone of this name; `null` if it is no time. A local time that comes twice is taken for the
 * first one, and one that is skipped for as much later.
 *
 * @internal
 */
export const instantOf = (text: string, timeZone: string): number | null => {
  const at = LOCAL.test(text) ? ofLocal(Date.parse(`${text.slice(0, 23)}Z`), timeZone) : Date.parse(text)
  return at >= 0 && at <= LAST_INSTANT ? Math.floor(at) : null
}

/** `shown`: what the clocks show, as if that were UTC. */
const ofLocal = (shown: number, timeZone: string): number => {
  if (Number.isNaN(shown)) return Number.NaN
  const zone = TimeZone.get(timeZone)
  const offsetAt = (at: number) => zone.spanAt(Math.max(0, at)).offset
  // The offset before a change of the clocks comes first.
  const offsets = [offsetAt(shown - MAX_OFFSET), offsetAt(shown + MAX_OFFSET)]
  const fitting = offsets.find((offset) => offsetAt(shown - offset) === offset)
  return shown - (fitting ?? offsets[0] ?? 0)
}
