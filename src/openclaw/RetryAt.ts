/**
 * When a provider may be asked again, by what it says: at an instant, or after an amount of time, in prose, in a header or in a field
 * of JSON. A time that it does not name is not made up.
 *
 * @internal
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

const UNITS: ReadonlyArray<readonly [unit: RegExp, millis: number]> = [
  [/^m(?:illi)?s(?:ec(?:ond)?s?)?$/i, 1],
  [/^s(?:ec(?:ond)?s?)?$/i, 1000],
  [/^m(?:in(?:ute)?s?)?$/i, 60_000],
  [/^h(?:(?:ou)?rs?)?$/i, 3_600_000],
  [/^d(?:ays?)?$/i, 86_400_000],
  [/^w(?:eeks?)?$/i, 604_800_000]
]

const UNIT = "milliseconds?|millis|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w"
const NUMBER = "\\d{1,3}(?:,\\d{3})+(?:\\.\\d+)?|\\d+(?:\\.\\d+)?|(?:an?|one)(?=\\s)"

const ONE_AMOUNT = new RegExp(`(${NUMBER})[\\s_-]*(${UNIT})(?![A-Za-z])`, "gi")

/** `6m0s`, `1 hour and 5 minutes`, `~4381 min`. */
const AMOUNT = new RegExp(`^(?:(?:${NUMBER})[\\s_-]*(?:${UNIT})(?![A-Za-z])(?:,? and |,\\s*|\\s*))+`, "i")

const CLOCK_OF_AMOUNT = /^(\d{1,3}):(\d\d):(\d\d)(?![\d:])/

const ZONE = "\\s*\\(?((?:UTC|GMT)?[+-]\\d{1,2}(?::?\\d\\d)?(?!\\d)|Z|UTC|GMT|[ECMP][SD]T)?(?![A-Za-z])"
const MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\\.?"
const CLOCK = "(\\d{1,2})(?::(\\d\\d))?(?::(\\d\\d)(?:\\.\\d+)?)?\\s*([ap]\\.?m\\b\\.?)?"

const ISO = new RegExp(`^(\\d{4}[-/]\\d\\d[-/]\\d\\d)(?:(?:[T ]| at )(\\d\\d:\\d\\d(?::\\d\\d(?:\\.\\d+)?)?))?${ZONE}`)
/** RFC 9110, as in `Mon, 29 Jun 2026 17:39:49 GMT`. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT/
/** As JavaScript prints it. */
const JS_DATE = /^[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d{4} \d\d:\d\d:\d\d(?: GMT[+-]\d{4})?/
const DAY_OF_MONTH = new RegExp(
  `^(?:(${MONTH})\\s+(\\d{1,2})(?:st|nd|rd|th)?|(\\d{1,2})\\s+(${MONTH}))(?:,?\\s+(\\d{4}))?,?\\s+(?:at\\s+)?${CLOCK}${ZONE}`,
  "i"
)
const TIME_OF_DAY = new RegExp(`^${CLOCK}${ZONE}`, "i")
const EPOCH = /^1\d{9}(?:\d{3})?(?:\.\d+)?(?![\d])/

/** Which time zone a clock of a day is of, in brackets behind it: `resets 3pm (America/New_York)`. */
const IANA = /^\s*\(?([A-Z][a-z]+(?:\/[A-Z][A-Za-z_]+){1,2})\)?/

const between =
  "(?:[\\s\"'\\\\:=>~≈_|({\\[,.∙·-]|after|again|at|in|on|until|for|delay|time|date|timestamp|about|approximately|approx|around|least|another|the|next|seconds?(?=[\"'\\\\\\s:={_]+\\d)|secs?(?=[\"'\\\\\\s:={_]+\\d)|m(?:illi)?s(?:econds?)?(?=[\"'\\\\\\s:={_]+\\d)|your|request|requests|be|is|will)*"

/**
 * Words before a time at which to ask again, the most certain first: what to do; when the limit ends; and when all limits of that provider
 * end, of which another one may be meant.
 */
const ANCHORS: ReadonlyArray<RegExp> = [
  new RegExp(
    `(?:\\bre-?try|\\btry(?:ing)? (?:your request |this )?again|\\bwait(?:ing)?\\b|\\bready\\b|\\bavailable\\b|\\bcool-?_?down|\\bback-?_?off|\\bcome back|\\bregain access|\\bdelay)${between}`,
    "gi"
  ),
  new RegExp(
    `(?<!ratelimit-)(?<!rate_limit_)\\b(?:will )?(?:reset(?:s|ting)?|renew(?:s|ed|al)?|refresh(?:es|ed)?|replenish(?:es|ed)?|lifted|restored|quotaReset(?:Delay|TimeStamp)|(?:limit|quota) reached(?=\\|))${between}`,
    "gi"
  ),
  new RegExp(`ratelimit-(?:[a-z]+-)?reset(?:-[a-z]+)?${between}`, "gi")
]

/** How far behind such words a time is looked for, in characters. */
const MAX_BEHIND_ANCHOR = 120

/**
 * The instant, in milliseconds since 1970, of which `text` says that one may ask again; `undefined` if it names none after `now`.
 *
 * @internal
 */
export const retryAt = (text: string, now: number): number | undefined => {
  for (const anchor of ANCHORS) {
    const found = Array.from(text.matchAll(anchor)).flatMap((match) => {
      const end = match.index + match[0].length
      const at = instantIn(text.slice(end, end + MAX_BEHIND_ANCHOR), match[0], now)
      return at !== undefined && at > now ? [at] : []
    })
    if (found.length > 0) return Math.max(...found)
  }
  return undefined
}

const instantIn = (rest: string, before: string, now: number): number | undefined => {
  const clock = CLOCK_OF_AMOUNT.exec(rest)
  // `in 01:30:00`, and not `at 01:30:00`.
  if (clock !== null && /\b(?:in|after|for)\W*$/i.test(before)) {
    return now + ((Number(clock[1]) * 60 + Number(clock[2])) * 60 + Number(clock[3])) * 1000
  }
  const amount = AMOUNT.exec(rest)?.[0]
  if (amount !== undefined) return now + millisOf(amount)
  return dateIn(rest, now) ?? epochIn(rest) ?? bareNumberIn(rest, before, now)
}

const millisOf = (amount: string): number =>
  Array.from(amount.matchAll(ONE_AMOUNT)).reduce((sum, [, count = "", unit = ""]) => {
    const number = /^(?:an?|one)$/i.test(count) ? 1 : Number(count.replaceAll(",", ""))
    return sum + number * (UNITS.find(([name]) => name.test(unit))?.[1] ?? 0)
  }, 0)

const epochIn = (rest: string): number | undefined => {
  const found = EPOCH.exec(rest)?.[0]
  if (found === undefined) return undefined
  return /^\d{13}/.test(found) ? Number(found) : Number(found) * 1000
}

/** Without a unit it is seconds, as in the header `Retry-After`, unless its name says that it is milliseconds. */
const bareNumberIn = (rest: string, before: string, now: number): number | undefined => {
  const found = /^\d+(?:\.\d+)?(?![\d:]|\s*[A-Za-z%/])/.exec(rest)?.[0]
  if (found === undefined) return undefined
  return now + Number(found) * (/(?:ms|millis(?:econds?)?)["'\\\s:={_]*$/i.test(before) ? 1 : 1000)
}

const dateIn = (rest: string, now: number): number | undefined => {
  const http = HTTP_DATE.exec(rest)?.[0]
  if (http !== undefined) return finite(Date.parse(http))
  const [iso, day = "", time = "00:00", zone = "Z"] = ISO.exec(rest) ?? []
  if (iso !== undefined) return atLocal(`${day.replaceAll("/", "-")}T${time}`, zoneBehind(rest, iso) ?? offsetOf(zone))
  const inJavaScript = JS_DATE.exec(rest)?.[0]
  if (inJavaScript !== undefined) return finite(Date.parse(inJavaScript))
  const dated = DAY_OF_MONTH.exec(rest)
  if (dated !== null) return onDay(dated, zoneBehind(rest, dated[0]), now)
  const [named, tomorrow] = /^(?:today|(tomorrow))(?:,? at)?\s+/i.exec(rest) ?? []
  if (named !== undefined) {
    const beforeDay = now - (now % DAY_MILLIS) - 1 + (tomorrow === undefined ? 0 : DAY_MILLIS)
    return dateIn(rest.slice(named.length), beforeDay)
  }
  const found = TIME_OF_DAY.exec(rest)
  if (found === null || (found[2] === undefined && found[4] === undefined)) return undefined
  const clock = clockOf(found[1], found[2], found[3], found[4])
  const itsZone = zoneBehind(rest, found[0]) ?? offsetOf(found[5] ?? "Z")
  return clock === undefined ? undefined : nextTimeOfDay(clock, itsZone, now)
}

const zoneBehind = (rest: string, date: string): string | undefined => IANA.exec(rest.slice(date.length))?.[1]

/** A day without a year is the next one that comes. */
const onDay = (found: RegExpExecArray, zoneName: string | undefined, now: number): number | undefined => {
  const [, month, day, dayFirst, monthLast, year, ...clock] = found
  const time = clockOf(clock[0], clock[1], clock[2], clock[3])
  const thisYear = new Date(now).getUTCFullYear()
  return (year === undefined ? [thisYear, thisYear + 1] : [Number(year)])
    .map((one) => Date.parse(`${(month ?? monthLast ?? "").slice(0, 3)} ${day ?? dayFirst} ${one} UTC`))
    .filter(Number.isFinite)
    .map((at) => atLocal(`${new Date(at).toISOString().slice(0, 10)}T${time}`, zoneName ?? offsetOf(clock[4] ?? "Z")))
    .find((at) => at !== undefined && at > now)
}

const clockOf = (hour = "", minute = "00", second = "00", half = ""): string | undefined => {
  const isAfternoon = /^p/i.test(half)
  const hours = half === "" ? Number(hour) : (Number(hour) % 12) + (isAfternoon ? 12 : 0)
  return hours > 23 || Number(minute) > 59 ? undefined : `${String(hours).padStart(2, "0")}:${minute}:${second}`
}

/** Those of RFC 822 that providers use; without one it is UTC. */
const OFFSETS: Readonly<Record<string, string>> = {
  EST: "-05:00",
  EDT: "-04:00",
  CST: "-06:00",
  CDT: "-05:00",
  MST: "-07:00",
  MDT: "-06:00",
  PST: "-08:00",
  PDT: "-07:00"
}

const offsetOf = (zone: string): string => {
  const upper = zone.toUpperCase()
  const [, sign, hours = "", minutes = "00"] = /^(?:UTC|GMT)?([+-])(\d{1,2}):?(\d\d)?$/.exec(upper) ?? []
  return OFFSETS[upper] ?? (sign === undefined ? "Z" : `${sign}${hours.padStart(2, "0")}:${minutes}`)
}

const DAY_MILLIS = 86_400_000

/** The instant at which the clocks of the zone show this; `zone` is an offset, or a name of the IANA; one that there is not is UTC. */
const atLocal = (local: string, zone: string): number | undefined =>
  DateTime.makeZoned(`${local}Z`, { timeZone: zone === "Z" ? "UTC" : zone, adjustForTimeZone: true }).pipe(
    Option.match({ onNone: () => finite(Date.parse(`${local}Z`)), onSome: DateTime.toEpochMillis })
  )

const nextTimeOfDay = (time: string, zone: string, now: number): number | undefined =>
  [-1, 0, 1]
    .map((days) => atLocal(`${new Date(now + days * DAY_MILLIS).toISOString().slice(0, 10)}T${time}`, zone))
    .find((at) => at !== undefined && at > now)

const finite = (at: number): number | undefined => (Number.isFinite(at) ? at : undefined)
