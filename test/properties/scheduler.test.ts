/**
 * Schedules become requests, each occurrence once: whatever the calendar and the clocks, over any number of lives on one
 * store.
 *
 * A schedule here is a list of steps. Each row that is written is judged when it is written, and after each step
 * nothing that was due may be missing. A failure prints the shortest schedule that was found, and how to see it again.
 */
import { expect, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import { type Case, DAY, HOUR, MINUTE, none, SECOND } from "../support/calendarSamples.js"
import { isReplay, parameters, patienceFor, restingProperty, runsOf } from "../support/property.js"
import * as SchedulerDriver from "./SchedulerDriver.js"
import { Calendar } from "./SchedulerModel.js"
import * as SchedulerSchedule from "./SchedulerSchedule.js"

const SCHEDULES = runsOf({ few: 20, many: 150 })

/** How often what has happened in all schedules. */
const seen = new Map<string, number>()

const INTERESTING = [
  "on time",
  "missed",
  "one missed after another",
  "several in one",
  "more than 25 days in one",
  "missed too long ago",
  "refused",
  "a request",
  "one more reason for a request",
  "clocks were put forward",
  "clocks were put back",
  "the clock is set back",
  "a schedule begins",
  "a schedule ends",
  "a schedule changes",
  "a schedule changes while an occurrence is written",
  "a schedule goes on",
  "a schedule begins anew since the clock was far ahead",
  "a problem with a clock",
  "gone",
  "wrong",
  "without a schedule",
  "the disk fails",
  "busy to the end",
  "in the end completed",
  "in the end cancelled"
]

const check = ({ cases, settings, start, steps }: SchedulerSchedule.Schedule): void => {
  const local = new Map<string, number>()
  const see = (what: string) => local.set(what, (local.get(what) ?? 0) + 1)
  const calendars = cases.map((one) => new Calendar(one))
  const trace = [JSON.stringify({ settings, schedules: calendars.map(({ schedule }) => schedule) })]
  try {
    const driver = SchedulerDriver.make(settings, calendars, start, see)
    for (const step of steps) {
      trace.push(`${new Date(driver.times().wall).toISOString()}: ${JSON.stringify(step)}`)
      driver.perform(step)
      driver.check()
    }
    trace.push(`${new Date(driver.times().wall).toISOString()}: the end`)
    driver.close()
  } catch (error) {
    throw new Error(`${trace.join("\n")}\n${error instanceof Error ? error.message : String(error)}`)
  }
  for (const [what, count] of local) seen.set(what, (seen.get(what) ?? 0) + count)
}

const hourly: Case = { input: { frequency: "hourly" }, fields: none }

const at = (minute: number): Case => ({ input: { frequency: "hourly", minute }, fields: none })

/** Hourly jobs `a` at the full hour, `b` ten minutes later and `c` at the full hour. */
const example = (start: string, ...steps: ReadonlyArray<SchedulerSchedule.Step>): SchedulerSchedule.Schedule => ({
  settings: { maxCatchUpAge: 7 * DAY, maxPending: 1000 },
  start: Date.parse(`${start}Z`),
  cases: [hourly, at(10), at(20)],
  steps: [...SchedulerSchedule.first, ...steps]
})

const start: SchedulerSchedule.Step = { _tag: "Refresh" }

it.each<readonly [string, SchedulerSchedule.Schedule]>([
  [
    "the supervisor is asked each minute, whatever is due meanwhile",
    example("2026-01-01T00:59:01", start, { _tag: "Pass", by: 59 * SECOND }, { _tag: "Pass", by: 59 * SECOND })
  ],
  [
    "what was missed comes one by one after a second sleep too",
    example(
      "2026-01-01T00:30:00",
      start,
      { _tag: "Sleep", by: 33 * MINUTE, isCounted: true },
      { _tag: "Sleep", by: HOUR, isCounted: true }
    )
  ],
  [
    "what could not be written is tried again within a minute where the clock is set back meanwhile",
    example(
      "2026-01-01T00:30:00",
      start,
      { _tag: "Disk", state: "fails" },
      { _tag: "Sleep", by: DAY, isCounted: true },
      { _tag: "Pass", by: MINUTE },
      { _tag: "SetBack", by: 20 * HOUR },
      { _tag: "Disk", state: "works" },
      { _tag: "Pass", by: 3 * MINUTE }
    )
  ]
])("%s", (_, schedule) => check(schedule))

const name = "each occurrence comes to one request or one reason"

it(
  name,
  () =>
    fc.assert(
      // The test runner, too, wants to run now and then.
      restingProperty(SchedulerSchedule.schedule, check),
      parameters(SCHEDULES, "properties/scheduler", name)
    ),
  patienceFor(SCHEDULES)
)

it.skipIf(SCHEDULES < 150 || isReplay)("nothing of interest is too rare in all this", () => {
  const zones = [...seen.keys()].filter((what) => what.startsWith("zone "))
  const rare = INTERESTING.filter((what) => (seen.get(what) ?? 0) < SCHEDULES / 150)
  expect(rare, JSON.stringify([...seen].filter(([what]) => !zones.includes(what)))).toEqual([])
  expect(zones.length).toBeGreaterThan(SCHEDULES < 400 ? 80 : 200)
})
