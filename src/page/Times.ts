/**
 * How instants and durations read.
 *
 * @internal
 */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/**
 * A duration in milliseconds with its two largest units, such as `3 min 20 s`.
 *
 * @internal
 */
export const durationText = (ms: number): string => {
  const left = Math.max(ms, 0)
  if (left < MINUTE) return `${Math.floor(left / 1000)} s`
  if (left < HOUR) return pair(left, MINUTE, "min", 1000, "s")
  if (left < DAY) return pair(left, HOUR, "h", MINUTE, "min")
  return pair(left, DAY, "d", HOUR, "h")
}

const pair = (ms: number, large: number, largeName: string, small: number, smallName: string): string => {
  const rest = Math.floor((ms % large) / small)
  return `${Math.floor(ms / large)} ${largeName}${rest === 0 ? "" : ` ${rest} ${smallName}`}`
}

const clock = new Intl.DateTimeFormat("sv-SE", { timeStyle: "medium" })

const day = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short" })

/**
 * An instant in the time zone of the reader; with its date, unless that is today.
 *
 * @internal
 */
export const instantText = (at: number, now: number): string =>
  day.format(at) === day.format(now) ? clock.format(at) : `${day.format(at)} ${clock.format(at)}`

/**
 * How long ago, or in how long.
 *
 * @internal
 */
export const distanceText = (at: number, now: number): string =>
  at <= now ? `${durationText(now - at)} ago` : `in ${durationText(at - now)}`
