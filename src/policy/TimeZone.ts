/**
 * What the clocks of a time zone show.
 *
 * `Intl` knows it, and takes microseconds for each instant. What it has said is kept for blocks of a few days, in each
 * of which the clocks change at most once.
 *
 * @internal
 */
import { LAST_INSTANT } from "../internal/LastInstant.js"

const SECOND = 1000
const HOUR = 3600 * SECOND
const DAY = 24 * HOUR

/**
 * In no zone since 1970 have two changes been nearer than 6.9 days (America/Recife in 2000): a block and its look back
 * must be shorter together, or two changes within it would be taken for none.
 */
const BLOCK = 3 * DAY

/** What a change of the clocks skips or repeats begins less than this after it. It is 24 hours at most (Pacific/Apia). */
const LOOK_BACK = 36 * HOUR

/** A zone with more blocks forgets them: more than a year of them is seldom looked at. */
const MAX_BLOCKS = 128

/**
 * Some time around an instant in which the clocks did not change, except at its start: `start <= at < end`, in
 * milliseconds since 1970. Clocks show `at + offset`; just before `start` they showed `at + before`. It begins with the
 * last change, if that is less than 36 hours past.
 *
 * @internal
 */
export interface Span {
  readonly start: number
  readonly end: number
  readonly offset: number
  readonly before: number
}

/** @internal */
export interface TimeZone {
  /** The offset at an instant from 1970 on, in milliseconds. */
  readonly spanAt: (at: number) => Span
}

const offsetsOf = (name: string): ((at: number) => number) => {
  const clock = new Intl.DateTimeFormat("en-US", {
    timeZone: name,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric"
  })
  return (at) => {
    const instant = Math.min(at, LAST_INSTANT)
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = clock
      .format(instant)
      .split(/\D+/)
      .map(Number)
    return Date.UTC(year, month - 1, day, hour, minute, second) - instant
  }
}

const make = (name: string): TimeZone => {
  const offsetAt = offsetsOf(name)
  const blocks = new Map<number, ReadonlyArray<Span>>()

  const spans = (block: number): ReadonlyArray<Span> => {
    const start = block * BLOCK - LOOK_BACK
    const end = (block + 1) * BLOCK
    // Zones change their clocks at whole seconds.
    let [before, after] = [start - SECOND, end - SECOND]
    const [first, last] = [offsetAt(before), offsetAt(after)]
    if (first === last) return [{ start, end, offset: last, before: last }]
    while (after - before > SECOND) {
      const between = before + Math.floor((after - before) / 2 / SECOND) * SECOND
      if (offsetAt(between) === first) before = between
      else after = between
    }
    return [
      { start, end: after, offset: first, before: first },
      { start: after, end, offset: last, before: first }
    ]
  }

  const spansOf = (block: number): ReadonlyArray<Span> => {
    const known = blocks.get(block)
    if (known !== undefined) return known
    if (blocks.size === MAX_BLOCKS) blocks.clear()
    const found = spans(block)
    blocks.set(block, found)
    return found
  }

  return {
    spanAt: (at) => {
      const [first, second] = spansOf(Math.floor(at / BLOCK)) as [Span, Span?]
      return second !== undefined && at >= second.start ? second : first
    }
  }
}

// There are about as many names of zones, which `Intl` takes in upper and lower case.
const zones = new Map<string, TimeZone>()

/**
 * Throws a `RangeError` if there is no zone of this name.
 *
 * @internal
 */
export const get = (name: string): TimeZone => {
  const key = name.toLowerCase()
  const known = zones.get(key)
  if (known !== undefined) return known
  const zone = make(name)
  zones.set(key, zone)
  return zone
}

/**
 * Abbreviations that ICU takes for one of the several zones that use them: to it, BST is Dhaka. None is a name of the IANA. Source: the
 * short names of Java's `ZoneId.SHORT_IDS`, which ICU keeps, without those that the IANA has as well (EST, HST, MST).
 */
const AMBIGUOUS = new Set(
  "ACT AET AGT ART AST BET BST CAT CNT CST CTT EAT ECT IET IST JST MIT NET NST PLT PNT PRT PST SST VST".split(" ")
)

/**
 * Whether there is a zone of this name. An abbreviation that several places share is none, and an offset such as `+01:00` is none, although some versions of Node.js take it.
 *
 * @internal
 */
export const exists = (name: string): boolean => {
  if (!/^[a-z]/i.test(name) || AMBIGUOUS.has(name.toUpperCase())) return false
  try {
    get(name)
    return true
  } catch {
    return false
  }
}

let local: string | undefined

/**
 * The name of the zone of the machine, as it was at the first call; UTC if it has none, as with `TZ=UTC+3` or a mistake
 * in `TZ`.
 *
 * @internal
 */
export const machine = (): string => {
  if (local === undefined) {
    const { timeZone }: { timeZone?: string } = new Intl.DateTimeFormat().resolvedOptions()
    local = timeZone !== undefined && exists(timeZone) ? timeZone : "UTC"
  }
  return local
}
