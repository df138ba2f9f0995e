/**
 * Schedules become requests, each occurrence once: whatever the calendar and the clocks, over any number of lives on one
 * store.
 *
 * A schedule here is a list of steps. Each row that is written is judged when it is written, and after each step
 * nothing that was due may be missing.
 */
import { it } from "@effect/vitest"
import { type Case, DAY, HOUR, MINUTE, none, SECOND } from "../calendars.js"
import * as SchedulerDriver from "./SchedulerDriver.js"
import { Calendar } from "./SchedulerModel.js"
import * as SchedulerSchedule from "./SchedulerSchedule.js"

const check = ({ cases, settings, start, steps }: SchedulerSchedule.Schedule): void => {
  const calendars = cases.map((one) => new Calendar(one))
  const trace = [JSON.stringify({ settings, schedules: calendars.map(({ schedule }) => schedule) })]
  try {
    const driver = SchedulerDriver.make(settings, calendars, start, () => {})
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
