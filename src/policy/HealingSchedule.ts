/**
 * When a job is to be reviewed by itself.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import type * as AST from "effect/SchemaAST"
import { expecting, withDefault } from "../internal/Input.js"
import { LAST_INSTANT } from "../internal/LastInstant.js"
import { type Calendar, comesTrue, type Direction, dateOf, fromCron, localTime, onceOn } from "./Calendar.js"
import * as TimeZone from "./TimeZone.js"

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** No two offsets of a zone differ by more: they go from -12 to +14 hours. */
const MAX_SHIFT = 26 * HOUR

const weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const

// ---------------------------------------------------------------------------------------------------------------------
// Schedules
// ---------------------------------------------------------------------------------------------------------------------

const time = withDefault(
  expecting('a time of day from "00:00" to "23:59"')(Schema.String.pipe(Schema.pattern(/^([01]\d|2[0-3]):[0-5]\d$/))),
  () => "03:00"
)

const timeZone = withDefault(
  expecting('the name of a time zone, such as "Europe/Berlin"')(Schema.String.pipe(Schema.filter(TimeZone.exists))),
  TimeZone.machine
)

const Hourly = Schema.Struct({
  frequency: Schema.Literal("hourly"),
  minute: withDefault(expecting("a whole number of 0 to 59")(Schema.Int.pipe(Schema.between(0, 59))), () => 0)
})

const Daily = Schema.Struct({ frequency: Schema.Literal("daily"), time, timeZone })

const Weekly = Schema.Struct({
  frequency: Schema.Literal("weekly"),
  day: withDefault(expecting(`a day: ${weekdays.join(", ")}`)(Schema.Literal(...weekdays)), () => "monday" as const),
  time,
  timeZone
})

const Monthly = Schema.Struct({
  frequency: Schema.Literal("monthly"),
  day: withDefault(
    expecting("a day of the month: a whole number of 1 to 31")(Schema.Int.pipe(Schema.between(1, 31))),
    () => 1
  ),
  time,
  timeZone
})

const Expression = Schema.Struct({
  cron: expecting('a cron expression of 5 or 6 fields that comes true on some day, such as "30 4 * * 1-5"')(
    Schema.String.pipe(Schema.filter((expression) => Option.exists(Either.getRight(fromCron(expression)), comesTrue)))
  ),
  timeZone
})

type Member = typeof Hourly | typeof Daily | typeof Weekly | typeof Monthly | typeof Expression

type Parse<A> = ReturnType<typeof ParseResult.decodeUnknown<A, unknown, never>>

/** A union would also say of each other schedule why it is not that one. */
const choose =
  <A>(frequencies: Readonly<Record<string, Parse<A>>>, expression: Parse<A>) =>
  (input: unknown, options: AST.ParseOptions, ast: AST.AST): Effect.Effect<A, ParseResult.ParseIssue> => {
    const mismatch = (what: string) => new ParseResult.Type(ast, input, `expected ${what}`)
    if (!Predicate.isRecord(input)) return Effect.fail(mismatch("a schedule with a frequency or a cron expression"))
    const given = Record.filter(input, Predicate.isNotUndefined)
    const { cron, frequency } = given
    if (cron !== undefined) {
      return frequency === undefined
        ? expression(given, options)
        : Effect.fail(mismatch("a frequency or a cron expression, not both"))
    }
    const parse =
      Predicate.isString(frequency) && Object.hasOwn(frequencies, frequency) ? frequencies[frequency] : undefined
    return (
      parse?.(given, options) ??
      Effect.fail(
        new ParseResult.Pointer(
          "frequency",
          input,
          mismatch(`${Object.keys(frequencies).join(", ")}, or a cron expression instead`)
        )
      )
    )
  }

/**
 * When a job is to be reviewed by itself, told apart by `frequency`, or `cron` instead of it:
 *
 * - `hourly`: each hour at `minute` (0), 0 to 59, counted in UTC, so that clock changes neither skip nor repeat one.
 * - `daily`: each day at `time`.
 * - `weekly`: each week on `day` ("monday"), "monday" to "sunday", at `time`.
 * - `monthly`: each month on `day` (1), 1 to 31, at `time`. 29 to 31 are the last day of months that are shorter.
 * - `cron`: whenever this expression comes true. It has the fields minute, hour, day of the month, month and day of the
 *   week, and may have one for seconds before them, as Effect's `Cron.parse` takes it. If neither of the two fields for
 *   days begins with a star, either of them is enough.
 *
 * All but `hourly` are by the clocks of `timeZone`, an IANA name such as "Europe/Berlin"; the time zone of the machine by
 * default, as it is when the schedule is decoded. `time` is "00:00" to "23:59" ("03:00").
 *
 * Where clocks are changed:
 *
 * - A local time that is skipped runs later, by as much as was skipped: 02:30 at 03:30. So does a whole day: Friday,
 *   2011-12-30, at 03:00 in Pacific/Apia was Saturday at 03:00, which a daily schedule has once.
 * - A local time that comes twice runs once, the first time.
 *
 * Both hold for `cron` too, as they do for Effect's `Cron`: `0 * * * *` has no occurrence in the repeated hour, and one
 * for the skipped and the following one; `30 2 * * *` runs at 03:30. So take `hourly` for what is to happen every hour.
 * Unlike there, each of several times in a skipped hour runs: `0,30 2 * * *` at 03:00 and at 03:30.
 *
 * What is decoded is plain data with all defaults in place, cheap to keep and to compare, that decodes to itself.
 *
 * @example
 * ```ts
 * import { HealingSchedule, nextOccurrence } from "effect-healing"
 * import { Schema } from "effect"
 *
 * const schedule = Schema.decodeSync(HealingSchedule)({ frequency: "daily", time: "02:30", timeZone: "Europe/Berlin" })
 *
 * new Date(nextOccurrence(schedule, Date.parse("2026-03-28T12:00:00Z"))) // 2026-03-29T01:30:00.000Z, which is 03:30 there
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const HealingSchedule: Schema.Schema<Member["Type"], Member["Encoded"]> = Schema.declare(
  [Hourly, Daily, Weekly, Monthly, Expression],
  {
    decode: (hourly, daily, weekly, monthly, expression) =>
      choose<Member["Type"]>(
        {
          hourly: ParseResult.decodeUnknown(hourly),
          daily: ParseResult.decodeUnknown(daily),
          weekly: ParseResult.decodeUnknown(weekly),
          monthly: ParseResult.decodeUnknown(monthly)
        },
        ParseResult.decodeUnknown(expression)
      ),
    encode: (hourly, daily, weekly, monthly, expression) =>
      choose<Member["Encoded"]>(
        {
          hourly: ParseResult.encodeUnknown(hourly),
          daily: ParseResult.encodeUnknown(daily),
          weekly: ParseResult.encodeUnknown(weekly),
          monthly: ParseResult.encodeUnknown(monthly)
        },
        ParseResult.encodeUnknown(expression)
      )
  },
  { identifier: "HealingSchedule" }
)

/**
 * @since 0.1.0
 * @category models
 */
export type HealingSchedule = typeof HealingSchedule.Type

/**
 * A schedule in words, such as `weekly on friday at 09:00 in Europe/Berlin`.
 *
 * @internal
 */
export const scheduleText = (schedule: HealingSchedule): string => {
  if ("cron" in schedule) return `${schedule.cron} in ${schedule.timeZone}`
  if (schedule.frequency === "hourly") return `hourly at minute ${schedule.minute}`
  const at = `at ${schedule.time} in ${schedule.timeZone}`
  if (schedule.frequency === "daily") return `daily ${at}`
  return schedule.frequency === "weekly" ? `weekly on ${schedule.day} ${at}` : `monthly on day ${schedule.day} ${at}`
}

// ---------------------------------------------------------------------------------------------------------------------
// Occurrences
// ---------------------------------------------------------------------------------------------------------------------

const calendarOf = (schedule: Exclude<HealingSchedule, typeof Hourly.Type>): Calendar => {
  if ("cron" in schedule) return Either.getOrThrow(fromCron(schedule.cron))
  switch (schedule.frequency) {
    case "daily":
      return onceOn(schedule.time, () => true)
    case "weekly": {
      // 1970-01-01 was a Thursday.
      const monday = weekdays.indexOf(schedule.day) - weekdays.indexOf("thursday")
      return onceOn(schedule.time, (day) => (day - monday) % 7 === 0)
    }
    case "monthly":
      return onceOn(schedule.time, (day) => {
        const date = dateOf(day).getUTCDate()
        return date === schedule.day || (date < schedule.day && dateOf(day + 1).getUTCDate() === 1)
      })
  }
}

// Parsing an expression takes longer than finding its next occurrence. Kept for as long as the schedule is.
const calendars = new WeakMap<HealingSchedule, Calendar>()

/**
 * The nearest occurrence at or after (`next`) or at or before (`last`) an instant in whole milliseconds, from 1970 on.
 *
 * It goes from one span between changes of the clocks to the next. A span that began with a change has two kinds: those
 * that clocks show in it for the first time, and those that were skipped at its start, which run by the old offset.
 */
const nearest = (
  schedule: Exclude<HealingSchedule, typeof Hourly.Type>,
  from: number,
  direction: Direction
): number | undefined => {
  let calendar = calendars.get(schedule)
  if (calendar === undefined) {
    calendar = calendarOf(schedule)
    calendars.set(schedule, calendar)
  }
  const zone = TimeZone.get(schedule.timeZone)
  const isNext = direction === "next"
  let at = from
  while (at >= 0 && at <= LAST_INSTANT) {
    const { before, end, offset, start } = zone.spanAt(at)
    // What clocks show before this was repeated or skipped.
    const first = start + Math.max(offset, before)
    const local = localTime(calendar, isNext ? Math.max(at + offset, first) : at + offset, direction)
    const regular = local - offset
    const found = local >= first && regular < end ? [regular] : []
    if (before < offset) {
      const local = localTime(calendar, isNext ? at + before : Math.min(at + before, first - 1), direction)
      if (local >= start + before && local < first) found.push(local - before)
    }
    if (found.length > 0) {
      const occurrence = isNext ? Math.min(...found) : Math.max(...found)
      return occurrence >= 0 && occurrence <= LAST_INSTANT ? occurrence : undefined
    }
    // Nothing happens until shortly before clocks show that time, by whichever offset.
    at = isNext ? Math.max(end, regular - MAX_SHIFT) : Math.min(start - 1, regular + MAX_SHIFT)
  }
  return undefined
}

/**
 * The first occurrence strictly after an instant, both in milliseconds since 1970; that one may have a fraction. `Infinity`
 * if there is none, which is so only at the end of what a `Date` can be. Before 1970 there are none.
 *
 * @since 0.1.0
 * @category occurrences
 */
export const nextOccurrence = (schedule: HealingSchedule, after: number): number => {
  const from = Math.max(Math.floor(after) + 1, 0)
  if (!("frequency" in schedule) || schedule.frequency !== "hourly") {
    return nearest(schedule, from, "next") ?? Number.POSITIVE_INFINITY
  }
  const offset = schedule.minute * MINUTE
  const next = Math.ceil((from - offset) / HOUR) * HOUR + offset
  return next <= LAST_INSTANT ? next : Number.POSITIVE_INFINITY
}

/**
 * The last occurrence at or before an instant, both in milliseconds since 1970; that one may have a fraction. `undefined`
 * if there is none since 1970. However long ago it was, it is found.
 *
 * @since 0.1.0
 * @category occurrences
 */
export const lastOccurrence = (schedule: HealingSchedule, atOrBefore: number): number | undefined => {
  const from = Math.min(Math.floor(atOrBefore), LAST_INSTANT)
  if (!("frequency" in schedule) || schedule.frequency !== "hourly") return nearest(schedule, from, "last")
  const offset = schedule.minute * MINUTE
  const last = Math.floor((from - offset) / HOUR) * HOUR + offset
  return last >= 0 ? last : undefined
}
