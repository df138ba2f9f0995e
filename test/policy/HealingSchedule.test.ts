/**
 * Schedules against the calendar.
 *
 * What is generated is compared with a simple reference, which is in `support/calendarSamples.ts`.
 */
import { setImmediate } from "node:timers/promises"
import { isDeepStrictEqual } from "node:util"
import { assert, describe, expect, it } from "@effect/vitest"
import * as Cron from "effect/Cron"
import * as Either from "effect/Either"
import * as fc from "effect/FastCheck"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { HealingSchedule, lastOccurrence, nextOccurrence, scheduleText } from "../../src/policy/HealingSchedule.js"
import {
  anyCase,
  around,
  DAY,
  fields,
  HOUR,
  type Input,
  MINUTE,
  reference,
  render,
  shown,
  some,
  timeZone,
  whenever
} from "../support/calendarSamples.js"
import { parameters, patienceFor, runsOf } from "../support/property.js"

const SCHEDULES = runsOf({ few: 150, many: 1000 })

const decode = Schema.decodeSync(HealingSchedule)

/** `expect` is slow where there is much to compare. */
const same = (are: unknown, should: unknown): void => {
  if (!isDeepStrictEqual(are, should)) expect(are).toEqual(should)
}

/** All occurrences after an instant and until another, asked for forwards, and again backwards. */
const list = (schedule: HealingSchedule, after: number, until: number): Array<number> => {
  const forwards: Array<number> = []
  for (let at = nextOccurrence(schedule, after); at <= until; at = nextOccurrence(schedule, at)) {
    if (at <= (forwards.at(-1) ?? after)) throw new Error(`${at} is not after what was before`)
    forwards.push(at)
  }
  const backwards: Array<number> = []
  for (
    let at = lastOccurrence(schedule, until);
    at !== undefined && at > after;
    at = lastOccurrence(schedule, at - 1)
  ) {
    if (at >= (backwards.at(-1) ?? Number.POSITIVE_INFINITY)) throw new Error(`${at} is not before what was after`)
    backwards.push(at)
  }
  same(backwards.toReversed(), forwards)
  return forwards
}

const iso = (at: number): string => new Date(at).toISOString().slice(0, at % MINUTE === 0 ? 16 : 19)

/** What a schedule has between two instants in UTC. */
const between = (schedule: Input, after: string, until: string): ReadonlyArray<string> =>
  list(decode(schedule), Date.parse(`${after}Z`), Date.parse(`${until}Z`)).map(iso)

describe("hourly", () => {
  it("is every elapsed hour, whatever clocks do", () => {
    for (const [after, until] of [
      ["2026-03-28T00:00", "2026-03-30T00:00"],
      ["2026-10-24T00:00", "2026-10-26T00:00"]
    ] as const) {
      const all = between({ frequency: "hourly", minute: 20 }, after, until)
      assert.strictEqual(all.length, 48)
      assert.isTrue(all.every((at) => at.endsWith(":20")))
    }
  })

  it("is at the full hour by default", () => {
    assert.deepStrictEqual(between({ frequency: "hourly" }, "2026-01-01T00:00", "2026-01-01T02:00"), [
      "2026-01-01T01:00",
      "2026-01-01T02:00"
    ])
  })
})

describe("daily", () => {
  it("runs at the shifted time where clocks go forward, once where they go back: Europe/Berlin", () => {
    const schedule: Input = { frequency: "daily", time: "02:30", timeZone: "Europe/Berlin" }
    assert.deepStrictEqual(between(schedule, "2026-03-27T12:00", "2026-03-30T12:00"), [
      "2026-03-28T01:30",
      "2026-03-29T01:30",
      "2026-03-30T00:30"
    ])
    assert.deepStrictEqual(between(schedule, "2026-10-23T12:00", "2026-10-26T12:00"), [
      "2026-10-24T00:30",
      "2026-10-25T00:30",
      "2026-10-26T01:30"
    ])
  })

  it("runs at the shifted time where clocks go forward, once where they go back: America/New_York", () => {
    assert.deepStrictEqual(
      between(
        { frequency: "daily", time: "02:30", timeZone: "America/New_York" },
        "2026-03-07T00:00",
        "2026-03-10T00:00"
      ),
      ["2026-03-07T07:30", "2026-03-08T07:30", "2026-03-09T06:30"]
    )
    assert.deepStrictEqual(
      between(
        { frequency: "daily", time: "01:30", timeZone: "America/New_York" },
        "2026-10-31T00:00",
        "2026-11-03T00:00"
      ),
      ["2026-10-31T05:30", "2026-11-01T05:30", "2026-11-02T06:30"]
    )
  })

  it.each([
    ["01:59", "2026-03-29T00:59"],
    ["02:00", "2026-03-29T01:00"],
    ["02:59", "2026-03-29T01:59"],
    ["03:00", "2026-03-29T01:00"],
    ["01:59", "2026-10-24T23:59"],
    ["02:00", "2026-10-25T00:00"],
    ["02:59", "2026-10-25T00:59"],
    ["03:00", "2026-10-25T02:00"]
  ])("%s in Europe/Berlin is %s in UTC", (time, expected) => {
    const at = Date.parse(`${expected}Z`)
    const schedule = decode({ frequency: "daily", time, timeZone: "Europe/Berlin" })
    assert.deepStrictEqual(list(schedule, at - 20 * HOUR, at + 20 * HOUR), [at])
  })

  it("is at 03:00 by default", () => {
    assert.deepStrictEqual(
      between({ frequency: "daily", timeZone: "Asia/Kathmandu" }, "2026-01-01T00:00", "2026-01-02T00:00"),
      ["2026-01-01T21:15"]
    )
  })

  it.each<[string, string, string, ReadonlyArray<string>]>([
    // Clocks go from 02:00 to 02:30, and from 02:00 to 01:30.
    ["Australia/Lord_Howe", "02:15", "2026-10-02T18:00", ["2026-10-03T15:45", "2026-10-04T15:15"]],
    ["Australia/Lord_Howe", "01:45", "2026-04-03T18:00", ["2026-04-04T14:45", "2026-04-05T15:15"]],
    // From 00:00 to 01:00, and from 00:00 to 23:00 of the day before.
    ["America/Sao_Paulo", "00:00", "2018-11-03T12:00", ["2018-11-04T03:00", "2018-11-05T02:00"]],
    ["America/Sao_Paulo", "23:30", "2018-02-17T12:00", ["2018-02-18T01:30", "2018-02-19T02:30"]],
    ["America/Sao_Paulo", "00:00", "2018-02-17T12:00", ["2018-02-18T03:00", "2018-02-19T03:00"]],
    ["Africa/Cairo", "00:30", "2026-04-23T12:00", ["2026-04-23T22:30", "2026-04-24T21:30"]],
    ["Asia/Beirut", "00:00", "2026-03-28T12:00", ["2026-03-28T22:00", "2026-03-29T21:00"]],
    // Two hours at once.
    ["Antarctica/Troll", "02:30", "2026-03-28T12:00", ["2026-03-29T02:30", "2026-03-30T00:30"]],
    ["Antarctica/Troll", "02:30", "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T02:30"]],
    // From 23:30 to 00:00 of the day after, which then has another one of its own.
    ["Asia/Pyongyang", "23:45", "2018-05-04T12:00", ["2018-05-04T15:15", "2018-05-05T14:45"]],
    // From 00:01 to 23:01 of the day before, so that midnight comes twice.
    ["America/St_Johns", "00:00", "2010-11-06T12:00", ["2010-11-07T02:30", "2010-11-08T03:30"]],
    ["America/St_Johns", "23:30", "2010-11-06T12:00", ["2010-11-07T02:00", "2010-11-08T03:00"]],
    // Summer time of a week.
    ["America/Recife", "12:00", "2000-10-09T18:00", ["2000-10-10T14:00", "2000-10-11T14:00"]],
    // From 44 minutes and 30 seconds behind UTC to none.
    ["Africa/Monrovia", "00:15", "1972-01-06T12:00", ["1972-01-07T00:59:30", "1972-01-08T00:15"]]
  ])("%s, %s after %s", (timeZone, time, after, expected) => {
    const until = new Date(Date.parse(`${after}Z`) + 2 * DAY).toISOString().slice(0, 16)
    assert.deepStrictEqual(between({ frequency: "daily", time, timeZone }, after, until), expected)
  })

  it("has one occurrence where a whole day is skipped: Pacific/Apia", () => {
    // The day after the 29th, from 10:00 UTC on, was the 31st.
    const at = (time: string) =>
      between({ frequency: "daily", time, timeZone: "Pacific/Apia" }, "2011-12-29T00:00", "2012-01-01T00:00")
    assert.deepStrictEqual(at("03:00"), ["2011-12-29T13:00", "2011-12-30T13:00", "2011-12-31T13:00"])
    assert.deepStrictEqual(at("00:00"), ["2011-12-29T10:00", "2011-12-30T10:00", "2011-12-31T10:00"])
    assert.deepStrictEqual(at("23:00"), ["2011-12-29T09:00", "2011-12-30T09:00", "2011-12-31T09:00"])
  })
})

describe("weekly", () => {
  it("is on Mondays at 03:00 by default", () => {
    assert.deepStrictEqual(between({ frequency: "weekly", timeZone: "UTC" }, "2026-02-20T00:00", "2026-03-10T00:00"), [
      "2026-02-23T03:00",
      "2026-03-02T03:00",
      "2026-03-09T03:00"
    ])
  })

  it("D16: is on the day that it names", () => {
    for (const [index, day] of (
      ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const
    ).entries()) {
      const all = list(decode({ frequency: "weekly", day, timeZone: "UTC" }), 0, 60 * DAY)
      assert.isTrue(all.length >= 8 && all.every((at) => new Date(at).getUTCDay() === index))
    }
  })

  it("is on that day of its time zone, and at the shifted time", () => {
    assert.deepStrictEqual(
      between(
        { frequency: "weekly", day: "sunday", time: "02:30", timeZone: "Europe/Berlin" },
        "2026-03-21T00:00",
        "2026-04-05T12:00"
      ),
      ["2026-03-22T01:30", "2026-03-29T01:30", "2026-04-05T00:30"]
    )
    assert.deepStrictEqual(
      between({ frequency: "weekly", day: "monday", timeZone: "Asia/Tokyo" }, "2026-03-01T00:00", "2026-03-02T00:00"),
      ["2026-03-01T18:00"]
    )
  })

  it.each([
    ["03:00", ["2011-12-23T13:00", "2011-12-30T13:00", "2012-01-05T13:00"]],
    ["20:00", ["2011-12-24T06:00", "2011-12-31T06:00", "2012-01-06T06:00"]]
  ])("runs a day later where the day is skipped: Pacific/Apia at %s", (time, expected) => {
    assert.deepStrictEqual(
      between(
        { frequency: "weekly", day: "friday", time, timeZone: "Pacific/Apia" },
        "2011-12-20T00:00",
        "2012-01-07T00:00"
      ),
      expected
    )
  })
})

describe("monthly", () => {
  it("D16: is on the 1st by default, in February as in March", () => {
    assert.deepStrictEqual(between({ frequency: "monthly", timeZone: "UTC" }, "2026-01-15T00:00", "2026-04-01T03:00"), [
      "2026-02-01T03:00",
      "2026-03-01T03:00",
      "2026-04-01T03:00"
    ])
  })

  it.each([
    [29, ["2027-01-29", "2027-02-28", "2027-03-29", "2027-04-29"]],
    [30, ["2027-01-30", "2027-02-28", "2027-03-30", "2027-04-30"]],
    [31, ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]]
  ])("is on the last day of months without a day %d", (day, expected) => {
    assert.deepStrictEqual(
      between({ frequency: "monthly", day, timeZone: "UTC" }, "2027-01-01T00:00", "2027-05-01T00:00"),
      expected.map((date) => `${date}T03:00`)
    )
  })

  it("knows leap years", () => {
    const at = (year: number) =>
      between({ frequency: "monthly", day: 30, timeZone: "UTC" }, `${year}-02-01T00:00`, `${year}-03-01T00:00`)
    assert.deepStrictEqual([2000, 2028, 2100].flatMap(at), ["2000-02-29T03:00", "2028-02-29T03:00", "2100-02-28T03:00"])
  })

  it("is on the last day of its time zone", () => {
    assert.deepStrictEqual(
      between(
        { frequency: "monthly", day: 31, time: "22:00", timeZone: "America/New_York" },
        "2026-02-01T12:00",
        "2026-04-01T12:00"
      ),
      ["2026-03-01T03:00", "2026-04-01T02:00"]
    )
  })
})

describe("cron", () => {
  const at = (cron: string, after: string, until: string, timeZone = "Europe/Berlin") =>
    between({ cron, timeZone }, after, until)

  it("has nothing in the repeated hour, as Effect's Cron", () => {
    assert.deepStrictEqual(at("0 * * * *", "2026-10-24T23:00", "2026-10-25T03:00"), [
      "2026-10-25T00:00",
      "2026-10-25T02:00",
      "2026-10-25T03:00"
    ])
    // Where `Cron.next` would go back.
    assert.deepStrictEqual(at("*/15 * * * *", "2026-10-25T01:05", "2026-10-25T02:15"), [
      "2026-10-25T02:00",
      "2026-10-25T02:15"
    ])
  })

  it("runs what is skipped at the shifted time, as Effect's Cron", () => {
    assert.deepStrictEqual(at("30 2 * * *", "2026-03-28T12:00", "2026-03-30T12:00"), [
      "2026-03-29T01:30",
      "2026-03-30T00:30"
    ])
    assert.deepStrictEqual(at("0 * * * *", "2026-03-28T23:30", "2026-03-29T02:30"), [
      "2026-03-29T00:00",
      "2026-03-29T01:00",
      "2026-03-29T02:00"
    ])
    // Skipped and regular ones in between each other.
    assert.deepStrictEqual(at("0,30 2,3 * * *", "2026-03-29T00:00", "2026-03-29T12:00"), [
      "2026-03-29T01:00",
      "2026-03-29T01:30"
    ])
    assert.deepStrictEqual(at("45 2 * * *", "2026-03-29T01:15", "2026-03-29T12:00"), ["2026-03-29T01:45"])
    assert.deepStrictEqual(at("45 2,3 * * *", "2026-03-29T00:00", "2026-03-29T12:00"), ["2026-03-29T01:45"])
    // The skipped one runs after a regular one: clocks go from 01:00 to 03:00.
    assert.deepStrictEqual(at("45 2,3 * * *", "2026-03-29T00:00", "2026-03-29T12:00", "Antarctica/Troll"), [
      "2026-03-29T01:45",
      "2026-03-29T02:45"
    ])
    // Where Effect's would run the first one only.
    assert.deepStrictEqual(at("0,30 2 * * *", "2026-03-29T00:00", "2026-03-29T12:00"), [
      "2026-03-29T01:00",
      "2026-03-29T01:30"
    ])
    assert.deepStrictEqual(at("45 2 29 3 *", "2026-03-29T00:00", "2026-03-29T12:00"), ["2026-03-29T01:45"])
    assert.deepStrictEqual(at("15 2,4 * * *", "2026-03-29T00:00", "2026-03-29T12:00"), [
      "2026-03-29T01:15",
      "2026-03-29T02:15"
    ])
  })

  it("looks back over more than one change", () => {
    const schedule = decode({ cron: "0 12 15 7 *", timeZone: "Europe/Berlin" })
    assert.strictEqual(lastOccurrence(schedule, Date.parse("2026-03-29T12:00Z")), Date.parse("2025-07-15T10:00Z"))
    assert.strictEqual(nextOccurrence(schedule, Date.parse("2025-07-16T00:00Z")), Date.parse("2026-07-15T10:00Z"))
  })

  it("has seconds", () => {
    assert.deepStrictEqual(at("30,10 59 23 * * *", "2026-01-01T00:00", "2026-01-02T00:00", "UTC"), [
      "2026-01-01T23:59:10",
      "2026-01-01T23:59:30"
    ])
  })

  it("takes either field for days, unless one begins with a star", () => {
    const days = (cron: string) => at(cron, "2026-02-01T12:00", "2026-02-28T12:00", "UTC").map((at) => at.slice(8, 10))
    assert.deepStrictEqual(days("0 0 13 * 1"), ["02", "09", "13", "16", "23"])
    assert.deepStrictEqual(days("0 0 */2 * 1"), ["09", "23"])
    assert.deepStrictEqual(days("0 0 16,17 * */1"), ["16", "17"])
  })

  it("finds 29 February, however far", () => {
    const leap = decode({ cron: "0 0 29 2 *", timeZone: "Europe/Berlin" })
    assert.strictEqual(nextOccurrence(leap, Date.parse("2096-06-01")), Date.parse("2104-02-28T23:00Z"))
    assert.strictEqual(lastOccurrence(leap, Date.parse("2104-01-01")), Date.parse("2096-02-28T23:00Z"))
    // On a Sunday.
    const rare = decode({ cron: "0 0 29 2 */7", timeZone: "UTC" })
    assert.strictEqual(nextOccurrence(rare, Date.parse("2088-03-01")), Date.parse("2128-02-29"))
    assert.strictEqual(lastOccurrence(rare, Date.parse("2128-02-28")), Date.parse("2088-02-29"))
  })

  it("never comes if it was made by hand and cannot come", () => {
    const never: HealingSchedule = { cron: "0 0 30 2 *", timeZone: "Europe/Berlin" }
    assert.strictEqual(nextOccurrence(never, 0), Number.POSITIVE_INFINITY)
    assert.isUndefined(lastOccurrence(never, Date.parse("2026-01-01")))
  })
})

describe("instants", () => {
  const schedules: ReadonlyArray<Input> = [
    { frequency: "hourly" },
    { frequency: "daily", time: "00:00", timeZone: "UTC" },
    { cron: "0 * * * *", timeZone: "UTC" }
  ]

  it.each(schedules)("next is strictly after, last at or before: %j", (input) => {
    const schedule = decode(input)
    const at = Date.parse("2026-03-29T00:00Z")
    for (const fraction of [-0.25, -1]) {
      assert.strictEqual(nextOccurrence(schedule, at + fraction), at)
      assert.isBelow(lastOccurrence(schedule, at + fraction) ?? 0, at)
    }
    for (const fraction of [0, 0.25, 1]) {
      assert.isAbove(nextOccurrence(schedule, at + fraction), at)
      assert.strictEqual(lastOccurrence(schedule, at + fraction), at)
    }
  })

  it.each(schedules)("begin in 1970 and end with what a Date can be: %j", (input) => {
    const schedule = decode(input)
    assert.strictEqual(nextOccurrence(schedule, -1), 0)
    assert.strictEqual(nextOccurrence(schedule, Number.NEGATIVE_INFINITY), 0)
    assert.strictEqual(lastOccurrence(schedule, 0.5), 0)
    assert.isUndefined(lastOccurrence(schedule, -0.5))
    assert.isUndefined(lastOccurrence(schedule, Number.NEGATIVE_INFINITY))
    assert.strictEqual(nextOccurrence(schedule, 8.64e15 - 1), 8.64e15)
    for (const after of [8.64e15, 1e300, Number.POSITIVE_INFINITY, Number.NaN]) {
      assert.strictEqual(nextOccurrence(schedule, after), Number.POSITIVE_INFINITY)
    }
    for (const at of [8.64e15, 1e300, Number.POSITIVE_INFINITY])
      assert.strictEqual(lastOccurrence(schedule, at), 8.64e15)
    assert.isUndefined(lastOccurrence(schedule, Number.NaN))
  })

  it("have nothing after the last Date", () => {
    const schedule = decode({ frequency: "daily", time: "03:00", timeZone: "UTC" })
    assert.strictEqual(nextOccurrence(schedule, 8.64e15 - 1), Number.POSITIVE_INFINITY)
    assert.strictEqual(lastOccurrence(schedule, 8.64e15), 8.64e15 - 21 * HOUR)
  })

  it("have nothing before 1970 east of it", () => {
    const schedule = decode({ frequency: "daily", time: "23:00", timeZone: "Asia/Tokyo" })
    assert.isUndefined(lastOccurrence(schedule, 1))
    assert.strictEqual(nextOccurrence(schedule, 0), Date.parse("1970-01-01T14:00Z"))
    assert.isUndefined(lastOccurrence(decode({ frequency: "hourly", minute: 1 }), 59_999))
  })
})

describe("decoding", () => {
  const Job = Schema.Struct({ schedule: HealingSchedule })

  const issues = (schedule: unknown) =>
    Either.match(Schema.decodeUnknownEither(Job, { errors: "all", onExcessProperty: "error" })({ schedule }), {
      onLeft: (error) =>
        ParseResult.ArrayFormatter.formatErrorSync(error).map(({ message, path }) => `${path.join(".")}: ${message}`),
      onRight: () => []
    })

  it("fills in the defaults", () => {
    const local: string | undefined = new Intl.DateTimeFormat().resolvedOptions().timeZone
    const timeZone = local ?? "UTC"
    assert.deepStrictEqual<ReadonlyArray<HealingSchedule>>(
      [
        decode({ frequency: "hourly" }),
        decode({ frequency: "daily" }),
        decode({ frequency: "weekly" }),
        decode({ frequency: "monthly" }),
        decode({ cron: "0 1 * * *" })
      ],
      [
        { frequency: "hourly", minute: 0 },
        { frequency: "daily", time: "03:00", timeZone },
        { frequency: "weekly", day: "monday", time: "03:00", timeZone },
        { frequency: "monthly", day: 1, time: "03:00", timeZone },
        { cron: "0 1 * * *", timeZone }
      ]
    )
  })

  it("takes what is undefined for what is not there", () => {
    assert.deepStrictEqual(
      Schema.decodeUnknownSync(HealingSchedule)({ frequency: "hourly", minute: undefined, cron: undefined }),
      { frequency: "hourly", minute: 0 }
    )
  })

  it("gives what decodes to itself, and nothing else is one", () => {
    const schedule = decode({ frequency: "weekly", timeZone: "europe/berlin" })
    assert.deepStrictEqual(Schema.encodeSync(HealingSchedule)(schedule), schedule)
    assert.deepStrictEqual(decode(schedule), schedule)
    assert.isTrue(Schema.is(HealingSchedule)(schedule))
    assert.isFalse(Schema.is(HealingSchedule)({ frequency: "weekly" }))
  })

  const aTime = 'expected a time of day from "00:00" to "23:59"'
  const aZone = 'expected the name of a time zone, such as "Europe/Berlin"'
  const aCron = 'expected a cron expression of 5 or 6 fields that comes true on some day, such as "30 4 * * 1-5"'
  const aFrequency = "expected hourly, daily, weekly, monthly, or a cron expression instead"

  it.each<[unknown, ReadonlyArray<string>]>([
    [{ frequency: "daily", time: "25:00" }, [`schedule.time: ${aTime}`]],
    [{ frequency: "daily", time: "24:00" }, [`schedule.time: ${aTime}`]],
    [{ frequency: "daily", time: "3:00" }, [`schedule.time: ${aTime}`]],
    [{ frequency: "daily", time: "03:00:00" }, [`schedule.time: ${aTime}`]],
    [{ frequency: "daily", time: 180 }, [`schedule.time: ${aTime}`]],
    [{ frequency: "daily", timeZone: "Mars/Phobos" }, [`schedule.timeZone: ${aZone}`]],
    [{ frequency: "daily", timeZone: "+01:00" }, [`schedule.timeZone: ${aZone}`]],
    [{ frequency: "daily", timeZone: "" }, [`schedule.timeZone: ${aZone}`]],
    [
      { frequency: "weekly", day: "Sunday", time: "", timeZone: 1 },
      [
        "schedule.day: expected a day: monday, tuesday, wednesday, thursday, friday, saturday, sunday",
        `schedule.time: ${aTime}`,
        `schedule.timeZone: ${aZone}`
      ]
    ],
    ...[0, 32, 1.5, "1"].map((day): [unknown, ReadonlyArray<string>] => [
      { frequency: "monthly", day },
      ["schedule.day: expected a day of the month: a whole number of 1 to 31"]
    ]),
    ...[-1, 60, 0.5, "0"].map((minute): [unknown, ReadonlyArray<string>] => [
      { frequency: "hourly", minute },
      ["schedule.minute: expected a whole number of 0 to 59"]
    ]),
    ...["0 0 30 2 *", "0 0 31 4,6,9,11 *", "* * * *", "60 * * * *", "daily", "", 5].map(
      (cron): [unknown, ReadonlyArray<string>] => [{ cron }, [`schedule.cron: ${aCron}`]]
    ),
    [{ frequency: "yearly" }, [`schedule.frequency: ${aFrequency}`]],
    [{ frequency: "toString" }, [`schedule.frequency: ${aFrequency}`]],
    [{ time: "03:00" }, [`schedule.frequency: ${aFrequency}`]],
    [{ frequency: "daily", cron: "0 3 * * *" }, ["schedule: expected a frequency or a cron expression, not both"]],
    ["daily", ["schedule: expected a schedule with a frequency or a cron expression"]],
    [null, ["schedule: expected a schedule with a frequency or a cron expression"]],
    [{ frequency: "hourly", minutes: 3 }, ['schedule.minutes: is unexpected, expected: "frequency" | "minute"']]
  ])("says what would be right: %j", (schedule, expected) => {
    assert.deepStrictEqual(issues(schedule), expected)
  })
})

// ---------------------------------------------------------------------------------------------------------------------
// Generated calendars
// ---------------------------------------------------------------------------------------------------------------------

// The test runner, too, wants to run now and then: each property rests before it begins.
describe("generated calendars", () => {
  it(
    "the occurrences are those that clocks show, forwards and backwards",
    () =>
      fc.assert(
        fc.asyncProperty(anyCase, whenever, async ({ fields, input }, when) => {
          await setImmediate()
          // Such as 31 April, which is refused.
          const decoded = Schema.decodeEither(HealingSchedule)(input)
          fc.pre(Either.isRight(decoded))
          const schedule = decoded.right
          const after = around("timeZone" in schedule ? schedule.timeZone : "UTC", when)
          const isDense =
            "cron" in schedule ? fields.minutes.length !== 1 || fields.hours.length === 0 : !("timeZone" in schedule)
          const until = after + (isDense ? 12 : 45) * DAY
          const all = list(schedule, after, until)
          same(all, reference(schedule, fields, after, until))
          // All that lies between two of them leads to them.
          const step = Math.ceil(all.length / 50)
          for (let index = 0; index < all.length; index += step) {
            const [at, next] = [all[index] ?? 0, all[index + 1]]
            for (const early of [at - 0.5, at - 1]) {
              same(nextOccurrence(schedule, early), at)
              same(lastOccurrence(schedule, early) === at, false)
            }
            for (const late of [at, at + 0.5, ...(next === undefined ? [] : [(at + next) / 2, next - 0.5])]) {
              same(lastOccurrence(schedule, late), at)
              if (next !== undefined) same(nextOccurrence(schedule, late), next)
            }
          }
        }),
        parameters(SCHEDULES, "HealingSchedule")
      ),
    patienceFor(SCHEDULES)
  )

  it(
    "a cron expression follows Effect's Cron while clocks are not changed",
    () => {
      const seconds = fc.oneof(
        fc.constant(""),
        some(0, 59).map((values) => `${values.join(",")} `)
      )
      return fc.assert(
        fc.asyncProperty(seconds, fields, timeZone, whenever, async (seconds, fields, timeZone, { at }) => {
          await setImmediate()
          const cron = `${seconds}${render(fields)}`
          const decoded = Schema.decodeEither(HealingSchedule)({ cron, timeZone })
          fc.pre(Either.isRight(decoded))
          const next = nextOccurrence(decoded.right, at)
          const offsets = new Set<number>()
          for (
            let near = Math.floor(at / DAY - 2) * DAY;
            near < Math.min(next, at + 400 * DAY) + 2 * DAY;
            near += DAY
          ) {
            offsets.add(shown(timeZone, near) - near)
          }
          fc.pre(offsets.size === 1)
          same(next, Cron.next(Either.getOrThrow(Cron.parse(cron, timeZone)), at).getTime())
        }),
        parameters(Math.ceil(SCHEDULES / 4), "HealingSchedule")
      )
    },
    patienceFor(SCHEDULES)
  )
})

describe("a cron expression", () => {
  const names = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]

  it("may have ranges of weekdays up to Sunday, by name and by number, with a step, and among others", () => {
    for (let first = 1; first <= 7; first++) {
      for (const step of [1, 2, 3]) {
        const days = Array.from({ length: 8 - first }, (_, index) => first + index).filter(
          (day) => (day - first) % step === 0
        )
        const expected = list(
          decode({ cron: `0 0 * * ${days.map((day) => day % 7).join(",")}`, timeZone: "UTC" }),
          0,
          30 * DAY
        )
        const suffix = step === 1 ? "" : `/${step}`
        for (const range of [`${names[first]}-SUN`, `${names[first]?.toLowerCase()}-sun`, `${first}-7`]) {
          const found = list(decode({ cron: `0 0 * * ${range}${suffix}`, timeZone: "UTC" }), 0, 30 * DAY)
          assert.deepStrictEqual(found, expected, `${range}${suffix}`)
        }
      }
    }
    assert.lengthOf(list(decode({ cron: "0 0 * * MON,SAT-SUN", timeZone: "UTC" }), 0, 7 * DAY), 3)
  })
})

describe("a schedule", () => {
  it.each([
    [{ frequency: "hourly", minute: 20 }, "hourly at minute 20"],
    [{ frequency: "daily", time: "02:30", timeZone: "UTC" }, "daily at 02:30 in UTC"],
    [{ frequency: "weekly", day: "friday", timeZone: "UTC" }, "weekly on friday at 03:00 in UTC"],
    [{ frequency: "monthly", day: 31, timeZone: "UTC" }, "monthly on day 31 at 03:00 in UTC"],
    [{ cron: "30 4 * * 1-5", timeZone: "UTC" }, "30 4 * * 1-5 in UTC"]
  ])("is told in words: %j", (input, text) => {
    assert.strictEqual(scheduleText(Schema.decodeUnknownSync(HealingSchedule)(input)), text)
  })
})

describe("a time zone", () => {
  it("is refused where several places share its abbreviation, and not where the IANA has it", () => {
    const isKnown = (timeZone: string) =>
      Either.isRight(Schema.decodeUnknownEither(HealingSchedule)({ frequency: "daily", timeZone }))
    for (const name of ["BST", "bst", "AST", "IST", "CST", "PST", "JST", "EAT", "Pakistan", "+01:00"])
      assert.isFalse(isKnown(name), name)
    const iana = [
      "UTC",
      "GMT",
      "CET",
      "EET",
      "WET",
      "EST",
      "MST",
      "HST",
      "US/Pacific",
      "EST5EDT",
      "Europe/Kyiv",
      "Asia/Kolkata"
    ]
    for (const name of iana) assert.isTrue(isKnown(name), name)
  })
})
