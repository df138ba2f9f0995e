/**
 * Calendars to test with, and a simple reference for them, which walks the clocks of a zone hour by hour with `Intl` and
 * writes down what they show.
 */
import * as fc from "effect/FastCheck"
import type { HealingSchedule } from "../../src/policy/HealingSchedule.js"

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

export type Input = typeof HealingSchedule.Encoded

// ---------------------------------------------------------------------------------------------------------------------
// The reference
// ---------------------------------------------------------------------------------------------------------------------

const clocks = new Map<string, Intl.DateTimeFormat>()

/** What the clocks of a zone show, in milliseconds as if it were UTC. */
export const shown = (timeZone: string, at: number): number => {
  let clock = clocks.get(timeZone)
  if (clock === undefined) {
    clock = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" })
    clocks.set(timeZone, clock)
  }
  return Date.parse(`${clock.format(at).replace(" ", "T")}Z`)
}

/** While clocks go on evenly. */
export interface Run {
  readonly start: number
  end: number
  readonly offset: number
}

/** Hour by hour, and where clocks change within one, by the minute, and then by the second. */
export const walk = (timeZone: string, from: number, to: number, step = HOUR): ReadonlyArray<Run> => {
  const runs: Array<Run> = []
  const add = (run: Run): void => {
    const last = runs.at(-1)
    if (last?.offset === run.offset) last.end = run.end
    else runs.push({ ...run })
  }
  let offset = shown(timeZone, from) - from
  for (let at = from; at < to; at += step) {
    const end = at + step
    const next = shown(timeZone, end) - end
    if (next === offset) add({ start: at, end, offset })
    else if (step === SECOND) add({ start: at, end, offset })
    else for (const run of walk(timeZone, at, end, step / 60)) add(run)
    offset = next
  }
  return runs
}

/** The same in less time: day by day, and where clocks change within one, hour by hour. */
export const walkDays = (timeZone: string, from: number, to: number): ReadonlyArray<Run> => {
  const runs: Array<Run> = []
  for (let at = from; at < to; at += DAY) {
    const end = at + DAY
    const offset = shown(timeZone, at) - at
    const all = shown(timeZone, end) - end === offset ? [{ start: at, end, offset }] : walk(timeZone, at, end)
    for (const run of all) {
      const last = runs.at(-1)
      if (last?.offset === run.offset) last.end = run.end
      else runs.push({ ...run })
    }
  }
  return runs
}

/** When clocks show this for the first time or, if they skip it, when they would have without the change. */
const place = (runs: ReadonlyArray<Run>, local: number): number | undefined => {
  for (const [index, { end, offset, start }] of runs.entries()) {
    if (local < start + offset) return index === 0 ? undefined : local - (runs[index - 1]?.offset ?? 0)
    if (local < end + offset) return local - offset
  }
  return undefined
}

export interface Fields {
  readonly minutes: ReadonlyArray<number>
  readonly hours: ReadonlyArray<number>
  readonly days: ReadonlyArray<number>
  readonly months: ReadonlyArray<number>
  readonly weekdays: ReadonlyArray<number>
}

const nameOfDay = new Intl.DateTimeFormat("en-US", { weekday: "long", timeZone: "UTC" })

const includes = (values: ReadonlyArray<number>, value: number) => values.length === 0 || values.includes(value)

/** At which minutes of a local day something is to happen. */
const minutesOn = (schedule: HealingSchedule, fields: Fields, local: Date): ReadonlyArray<number> => {
  if ("cron" in schedule) {
    const isDay = includes(fields.days, local.getUTCDate())
    const isWeekday = includes(fields.weekdays, local.getUTCDay())
    const isOn = fields.days.length > 0 && fields.weekdays.length > 0 ? isDay || isWeekday : isDay && isWeekday
    if (!isOn || !includes(fields.months, local.getUTCMonth() + 1)) return []
    return Array.from({ length: 1440 }, (_, minute) => minute).filter(
      (minute) => includes(fields.hours, Math.floor(minute / 60)) && includes(fields.minutes, minute % 60)
    )
  }
  if (schedule.frequency === "hourly") throw new Error("has no local days")
  const last = new Date(Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + 1, 0)).getUTCDate()
  const weekday = nameOfDay.format(local).toLowerCase()
  if (schedule.frequency === "weekly" && weekday !== schedule.day) return []
  if (schedule.frequency === "monthly" && local.getUTCDate() !== Math.min(schedule.day, last)) return []
  const [hour, minute] = schedule.time.split(":").map(Number) as [number, number]
  return [hour * 60 + minute]
}

/** All occurrences after an instant and until another. */
export const reference = (
  schedule: HealingSchedule,
  fields: Fields,
  after: number,
  until: number,
  clocksOf = walk
): ReadonlyArray<number> => {
  const all = new Set<number>()
  if (!("timeZone" in schedule)) {
    for (let at = Math.ceil(after / MINUTE) * MINUTE; at <= until; at += MINUTE) {
      if (new Date(at).getUTCMinutes() === schedule.minute) all.add(at)
    }
  } else {
    const runs = clocksOf(schedule.timeZone, Math.floor(after / DAY) * DAY - 3 * DAY, until + 3 * DAY)
    for (let day = Math.floor(after / DAY) * DAY - 2 * DAY; day <= until + 2 * DAY; day += DAY) {
      for (const minute of minutesOn(schedule, fields, new Date(day))) {
        const at = place(runs, day + minute * MINUTE)
        if (at !== undefined) all.add(at)
      }
    }
  }
  return [...all].filter((at) => at > after && at <= until).sort((a, b) => a - b)
}

// ---------------------------------------------------------------------------------------------------------------------
// Generated calendars
// ---------------------------------------------------------------------------------------------------------------------

export const zones = Intl.supportedValuesOf("timeZone")

// With changes that no other has.
const odd = [
  "Africa/Cairo",
  "Africa/Casablanca",
  "Africa/Monrovia",
  "America/Argentina/Tucuman",
  "America/Recife",
  "America/Sao_Paulo",
  "America/St_Johns",
  "Antarctica/Casey",
  "Antarctica/Troll",
  "Asia/Beirut",
  "Asia/Gaza",
  "Asia/Pyongyang",
  "Australia/Lord_Howe",
  "Pacific/Apia",
  "Pacific/Kiritimati",
  "Pacific/Kwajalein"
]

export const timeZone = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...zones) },
  { weight: 1, arbitrary: fc.constantFrom(...odd) }
)

const two = (value: number) => String(value).padStart(2, "0")

// Most changes are made between 22:00 and 04:00.
const hour = fc.oneof(fc.integer({ min: 0, max: 23 }), fc.constantFrom(22, 23, 0, 1, 2, 3, 4))

const time = fc
  .tuple(hour, fc.oneof(fc.integer({ min: 0, max: 59 }), fc.constantFrom(0, 1, 15, 30, 45, 59)))
  .map(([hour, minute]) => `${two(hour)}:${two(minute)}`)

export const some = (min: number, max: number, maxLength = 3) =>
  fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength })

const days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const

const every = fc.constant<ReadonlyArray<number>>([])

export const fields: fc.Arbitrary<Fields> = fc.record({
  minutes: fc.oneof(some(0, 59), some(0, 59, 20), every),
  hours: fc.oneof(some(0, 23), some(0, 4, 4), every),
  days: fc.oneof(every, every, some(1, 31)),
  months: fc.oneof(every, every, some(1, 12, 8)),
  weekdays: fc.oneof(every, every, some(0, 6))
})

export const render = ({ days, hours, minutes, months, weekdays }: Fields): string =>
  [minutes, hours, days, months, weekdays].map((values) => values.join(",") || "*").join(" ")

export const none: Fields = { minutes: [], hours: [], days: [], months: [], weekdays: [] }

export interface Case {
  readonly input: Input
  readonly fields: Fields
}

export const anyCase: fc.Arbitrary<Case> = fc.oneof(
  fc
    .oneof(
      {
        weight: 1,
        arbitrary: fc.record({ frequency: fc.constant("hourly" as const), minute: fc.integer({ min: 0, max: 59 }) })
      },
      { weight: 6, arbitrary: fc.record({ frequency: fc.constant("daily" as const), time, timeZone }) },
      {
        weight: 3,
        arbitrary: fc.record({
          frequency: fc.constant("weekly" as const),
          day: fc.constantFrom<Array<(typeof days)[number]>>(...days),
          time,
          timeZone
        })
      },
      {
        weight: 3,
        arbitrary: fc.record({
          frequency: fc.constant("monthly" as const),
          day: fc.integer({ min: 1, max: 31 }),
          time,
          timeZone
        })
      }
    )
    .map((input: Input) => ({ input, fields: none })),
  fc.record({ fields, timeZone }).map(({ fields, timeZone }) => ({ input: { cron: render(fields), timeZone }, fields }))
)

/** Somewhen, or else near a change of the clocks, if there is one in the year after. */
export const whenever = fc.record({
  at: fc.integer({ min: Date.UTC(1970, 0, 5), max: Date.UTC(2100, 11, 31) }),
  nearChange: fc.boolean()
})

export const around = (timeZone: string, { at, nearChange }: { at: number; nearChange: boolean }): number => {
  if (!nearChange) return at
  const offset = shown(timeZone, at) - Math.floor(at / SECOND) * SECOND
  for (let days = 7; days < 366; days += 7) {
    const later = Math.floor(at / SECOND) * SECOND + days * DAY
    if (shown(timeZone, later) - later !== offset) return at + (days - 8) * DAY
  }
  return at
}
