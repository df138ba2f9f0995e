/**
 * What a schedule means before any clock is changed: at which local times of which days.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Cron from "effect/Cron"
import * as Either from "effect/Either"

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A day that comes at all comes again within 40 years: 29 February on a certain weekday takes so long around 2100. */
const MAX_DAYS = 41 * 366

/**
 * At which local times something is to happen: on these days, counted from 1970-01-01, at each of these hours, minutes
 * and seconds, in ascending order.
 *
 * @internal
 */
export interface Calendar {
  readonly isOn: (day: number) => boolean
  readonly hours: ReadonlyArray<number>
  readonly minutes: ReadonlyArray<number>
  readonly seconds: ReadonlyArray<number>
}

/** @internal */
export type Direction = "next" | "last"

/** The nearest time of day, in seconds, at or after (`next`) or at or before (`last`) that one. */
const timeOfDay = (calendar: Calendar, bound: number, direction: Direction): number | undefined => {
  const inOrder = (values: ReadonlyArray<number>) => (direction === "next" ? values : values.toReversed())
  const fits = (first: number, last: number) => (direction === "next" ? last >= bound : first <= bound)
  for (const h of inOrder(calendar.hours)) {
    const hour = h * 3600
    if (!fits(hour, hour + 3599)) continue
    for (const m of inOrder(calendar.minutes)) {
      const minute = hour + m * 60
      if (!fits(minute, minute + 59)) continue
      for (const s of inOrder(calendar.seconds)) {
        if (fits(minute + s, minute + s)) return minute + s
      }
    }
  }
  return undefined
}

/**
 * The nearest local time at or after (`next`) or at or before (`last`) that one, counted in milliseconds as if it were
 * UTC. Without one it is `Infinity` or `-Infinity`.
 *
 * @internal
 */
export const localTime = (calendar: Calendar, from: number, direction: Direction): number => {
  const step = direction === "next" ? 1 : -1
  let day = Math.floor(from / DAY)
  let bound = (from - day * DAY) / SECOND
  for (let days = 0; days < MAX_DAYS; days++) {
    if (calendar.isOn(day)) {
      const time = timeOfDay(calendar, bound, direction)
      if (time !== undefined) return day * DAY + time * SECOND
    }
    day += step
    bound = direction === "next" ? 0 : DAY / SECOND
  }
  return step * Number.POSITIVE_INFINITY
}

/** @internal */
export const dateOf = (day: number): Date => new Date(day * DAY)

/** @internal */
export const onceOn = (time: string, isOn: Calendar["isOn"]): Calendar => ({
  isOn,
  hours: [Number(time.slice(0, 2))],
  minutes: [Number(time.slice(3))],
  seconds: [0]
})

/** To Effect, a field without values is one that allows all. */
const orAll = (values: ReadonlySet<number>, count: number): ReadonlyArray<number> =>
  values.size === 0 ? Arr.makeBy(count, (value) => value) : [...values]

const bitsOf = (values: ReadonlySet<number>): number => [...values].reduce((bits, value) => bits | (1 << value), 0)

const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

const weekdayOf = (name: string): number => (/^[0-6]$/.test(name) ? Number(name) : WEEKDAYS.indexOf(name.toUpperCase()))

/** To Effect, Sunday begins the week. A range that ends with it is written as the list that it stands for. */
const withSundayFirst = (expression: string): string =>
  expression.trim().replace(/\S+$/, (field) =>
    field
      .split(",")
      .map((item) => {
        const [whole, from = "", step = "1"] = /^(\w+)-(?:SUN|7)(?:\/(\d+))?$/i.exec(item) ?? []
        const first = weekdayOf(from)
        if (whole === undefined || first < 1 || Number(step) < 1) return item
        return Arr.range(first, 7)
          .filter((day) => (day - first) % Number(step) === 0)
          .map((day) => day % 7)
          .join(",")
      })
      .join(",")
  )

/**
 * Effect says what an expression means. When it comes true is found here, by the one way for all schedules:
 * `Cron.next` returns an earlier instant in an hour that is repeated, and misses what a skipped hour has put off if it is
 * asked in between; `Cron.prev` throws there, and for 29 February in most years.
 *
 * @internal
 */
export const fromCron = (expression: string): Either.Either<Calendar, Cron.ParseError> =>
  Either.map(Cron.parse(withSundayFirst(expression)), (cron) => {
    const months = bitsOf(cron.months)
    const days = bitsOf(cron.days)
    const weekdays = bitsOf(cron.weekdays)
    const [dayField = "", , weekdayField = ""] = expression.trim().split(/\s+/).slice(-3)
    // Every cron does it so: either of the two is enough, unless one of them begins with a star.
    const either = days !== 0 && weekdays !== 0 && !dayField.startsWith("*") && !weekdayField.startsWith("*")
    const allows = (bits: number, value: number) => bits === 0 || (bits & (1 << value)) !== 0
    return {
      isOn: (day) => {
        const date = dateOf(day)
        if (!allows(months, date.getUTCMonth() + 1)) return false
        const isDay = allows(days, date.getUTCDate())
        const isWeekday = allows(weekdays, date.getUTCDay())
        return either ? isDay || isWeekday : isDay && isWeekday
      },
      hours: orAll(cron.hours, 24),
      minutes: orAll(cron.minutes, 60),
      seconds: orAll(cron.seconds, 60)
    }
  })

/** @internal */
export const comesTrue = (calendar: Calendar): boolean => Number.isFinite(localTime(calendar, 0, "next"))
