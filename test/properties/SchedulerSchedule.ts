/**
 * What may happen to the scheduler, in any order.
 */
import * as Either from "effect/Either"
import * as fc from "effect/FastCheck"
import * as Schema from "effect/Schema"
import { HealingSchedule } from "effect-healing"
import { anyCase, around, type Case, DAY, HOUR, MINUTE, SECOND, whenever } from "../support/calendarSamples.js"
import type { JobState, Settings } from "./SchedulerModel.js"

/**
 * - `Pass`: time passes, and everybody is awake.
 * - `Toward`: it is now so long before or after what is upcoming, and a minute before that the scheduler was awake.
 * - `Sleep`: the machine sleeps, and its monotonic clock counts that or does not.
 * - `Crash`: after so many more commits, and so much time, there is a new process.
 */
export type Step =
  | { readonly _tag: "Pass"; readonly by: number }
  | { readonly _tag: "Toward"; readonly nth: number; readonly off: number }
  | { readonly _tag: "Sleep"; readonly by: number; readonly isCounted: boolean }
  | { readonly _tag: "SetBack"; readonly by: number }
  | { readonly _tag: "Restart"; readonly isOn: boolean; readonly down: number }
  | { readonly _tag: "Crash"; readonly commits: number; readonly after: number; readonly down: number }
  | { readonly _tag: "Disk"; readonly state: "works" | "fails" | "hangs" }
  | { readonly _tag: "Job"; readonly job: string; readonly state: JobState | undefined }
  | { readonly _tag: "Supervisor"; readonly state: "answers" | "fails" | "hangs" | "dies" }
  | { readonly _tag: "Refresh" }
  | { readonly _tag: "Busy"; readonly isBusy: boolean }
  | { readonly _tag: "End" }
  | { readonly _tag: "Cancel"; readonly job: string }

export interface Schedule {
  readonly settings: Settings
  readonly start: number
  readonly cases: ReadonlyArray<Case>
  readonly steps: ReadonlyArray<Step>
}

const step = <Tag extends Step["_tag"]>(
  weight: number,
  _tag: Tag,
  fields: {
    readonly [K in Exclude<keyof Extract<Step, { _tag: Tag }>, "_tag">]: fc.Arbitrary<Extract<Step, { _tag: Tag }>[K]>
  }
) => ({
  weight,
  arbitrary: fc.record({ _tag: fc.constant(_tag), ...fields }) as unknown as fc.Arbitrary<Step>
})

const job = fc.constantFrom("a", "a", "b", "b", "c", "d", "e")

const nth = fc.nat(2)

const state: fc.Arbitrary<JobState | undefined> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      _tag: fc.constantFrom<Array<"Planned" | "Disabled" | "Wrong">>(
        "Planned",
        "Planned",
        "Planned",
        "Disabled",
        "Wrong"
      ),
      calendar: nth,
      variant: fc.nat(3)
    })
  },
  { weight: 1, arbitrary: fc.constant({ _tag: "Plain" as const }) },
  { weight: 1, arbitrary: fc.constant(undefined) }
)

const little = fc.constantFrom(0, 1, SECOND, 5 * SECOND, 30 * SECOND, MINUTE)

const long = fc.oneof(
  fc.constantFrom(MINUTE, 2 * MINUTE, 2 * MINUTE + 1, 10 * MINUTE, HOUR, DAY, 8 * DAY, 32 * DAY),
  fc.integer({ min: 0, max: 3 * DAY }),
  fc.integer({ min: 0, max: 60 * DAY })
)

const steps = fc.oneof(
  step(11, "Pass", {
    by: fc.constantFrom(SECOND, 6 * SECOND, 30 * SECOND, 59 * SECOND, MINUTE, 61 * SECOND, 3 * MINUTE, 10 * MINUTE)
  }),
  // The more there is to do the longer it takes.
  step(1, "Pass", { by: fc.constantFrom(HOUR, 3 * HOUR) }),
  step(16, "Toward", { nth, off: fc.constantFrom(-SECOND, -1, 0, 0, 0, 1, SECOND, MINUTE + 1, 3 * MINUTE) }),
  step(10, "Sleep", { by: long, isCounted: fc.boolean() }),
  step(6, "SetBack", {
    by: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(1, SECOND, MINUTE, HOUR, 3 * HOUR, DAY, 3 * DAY) },
      { weight: 4, arbitrary: fc.integer({ min: 1, max: 3 * DAY }) },
      { weight: 3, arbitrary: fc.integer({ min: 20 * DAY, max: 70 * DAY }) }
    )
  }),
  step(4, "Restart", { isOn: fc.constantFrom(true, true, true, false), down: fc.oneof(little, long) }),
  step(4, "Crash", { commits: fc.nat(4), after: little, down: fc.oneof(little, long) }),
  step(6, "Disk", { state: fc.constantFrom("works", "works", "works", "fails", "hangs") }),
  step(10, "Job", { job, state }),
  step(3, "Supervisor", { state: fc.constantFrom("answers", "answers", "answers", "fails", "hangs", "dies") }),
  step(8, "Refresh", {}),
  step(3, "Busy", { isBusy: fc.boolean() }),
  step(6, "End", {}),
  step(1, "Cancel", { job })
)

/** Otherwise there would be nothing to do at first. */
export const first = ["a", "b", "c"].map(
  (job, index): Step => ({ _tag: "Job", job, state: { _tag: "Planned", calendar: index % 2, variant: 0 } })
)

const aCase = anyCase.filter(({ input }) => Either.isRight(Schema.decodeEither(HealingSchedule)(input)))

export const schedule: fc.Arbitrary<Schedule> = fc
  .record({
    settings: fc.record({
      maxCatchUpAge: fc.constantFrom(7 * DAY, 7 * DAY, 40 * DAY, 0, 3 * HOUR),
      maxPending: fc.constantFrom(1, 1000, 1000)
    }),
    when: whenever,
    cases: fc.array(aCase, { minLength: 3, maxLength: 3 }),
    steps: fc.array(steps, { minLength: 1, maxLength: 40, size: "max" })
  })
  .map(({ cases, settings, steps, when }) => {
    const zone = cases.flatMap(({ input }) => ("timeZone" in input && input.timeZone) || [])[0] ?? "UTC"
    return { settings, start: around(zone, when), cases, steps: [...first, ...steps] }
  })
