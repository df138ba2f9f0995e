/**
 * R13, R14, R15 and R17, and R1-R11 for requests: whatever happens, the durable queue does what its model does, over any
 * number of lives on one database.
 *
 * A schedule is a list of steps. After each of them, all that can be seen of the queue must be as the model has it, and
 * what stands in the database must be what the queue says. A failure prints the shortest schedule that was found, and how to
 * see it again.
 */
import { isDeepStrictEqual } from "node:util"
import { expect, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import * as Hash from "effect/Hash"
import { isReplay, parameters, patienceFor, restingProperty, runsOf } from "../support/property.js"
import * as QueueDriver from "./QueueDriver.js"
import * as Model from "./QueueModel.js"
import * as QueueSchedule from "./QueueSchedule.js"

/** Of each of the four settings below. */
const SCHEDULES = runsOf({ few: 15, many: 125 })

// Small enough that no nanosecond since 1970 is rounded.
const START = 1_000_000_000

/** By how much the wall clock is ahead of that. */
const AHEAD = 1_000_000_000_000

const show = (what: unknown): string =>
  JSON.stringify(what, (_, value: unknown) => (value === Number.POSITIVE_INFINITY ? "infinity" : value))

const isAny = (what: unknown): boolean => what === Model.ANY

/** As it should be, where only the words differ that are the queue's own. */
const without = (is: unknown, should: unknown): unknown => {
  if (isAny(should)) return typeof is === "string" && is !== "" ? should : is
  if (Array.isArray(is) && Array.isArray(should)) return is.map((each, at) => without(each, should[at]))
  if (typeof is !== "object" || is === null || typeof should !== "object" || should === null) return is
  const all = new Map(Object.entries(should))
  return Object.fromEntries(Object.entries(is).map(([key, value]) => [key, without(value, all.get(key))]))
}

/** What is seen to be otherwise than it should be. */
const difference = (is: Model.View, should: Model.View): ReadonlyArray<string> => {
  const all = new Map(Object.entries(is))
  return Object.entries(should).flatMap(([key, value]) => {
    const found = without(all.get(key), value)
    return isDeepStrictEqual(found, value) ? [] : [`${key} is      ${show(found)}`, `${key} must be ${show(value)}`]
  })
}

/** How often what has happened in all schedules. */
const seen = new Map<string, number>()

const see = (what: string): void => {
  seen.set(what, (seen.get(what) ?? 0) + 1)
}

const INTERESTING = [
  "begun",
  "begun overdue",
  "added",
  "merged",
  "refused",
  "yielded",
  "timed out",
  "tried again",
  "rate limited",
  "cooled down",
  "cut off",
  "clock set",
  "suspended",
  "left pending",
  "left running",
  "completed",
  "failed",
  "skipped",
  "cancelled",
  "Review",
  "HealingTimeout",
  "HealingSkipped",
  "HealingCancelled",
  "ReviewError"
]

const cutOff = (
  driver: ReturnType<typeof QueueDriver.make>,
  world: Model.World,
  { commits, event }: Extract<Model.Event, { readonly _tag: "CutOff" }>
): ReadonlyArray<Model.World> => {
  const done = driver.cutOff(event, commits)
  const results = Model.cutOffs(world, event, done)
  if (results.length === 0) throw new Error(`Nothing may have been done that explains ${show(done)}`)
  return results
}

const check = ({ settings, steps }: QueueSchedule.Schedule): void => {
  const driver = QueueDriver.make(settings, START, AHEAD)
  let world = Model.initial(settings, START, AHEAD)
  const trace: Array<string> = [show(settings)]
  try {
    for (const draft of steps) {
      for (const event of draft(world)) {
        trace.push(`at ${world.now - START}: ${show(event)}`)
        const results = event._tag === "CutOff" ? cutOff(driver, world, event) : [Model.apply(world, event)]
        if (event._tag !== "CutOff") driver.perform(event)
        const view = driver.view()
        const settled = results.map(Model.settle)
        const right = settled.find((result) => difference(view, Model.view(result)).length === 0)
        if (right === undefined) {
          throw new Error(settled.map((result) => difference(view, Model.view(result)).join("\n")).join("\nor\n"))
        }
        world = right
      }
    }
    driver.close()
  } catch (error) {
    throw new Error(`${trace.join("\n")}\n${error instanceof Error ? error.message : String(error)}`)
  }
  for (const what of world.seen) see(what)
  for (const { outcome } of world.callers) see(outcome?._tag ?? "no answer")
}

/** The test runner, too, wants to run now and then. */
for (const onJobStart of ["continue", "yield"] as const) {
  for (const onMaxWait of ["fail", "run"] as const) {
    const name = `onJobStart ${onJobStart}, onMaxWait ${onMaxWait}`

    it(
      name,
      () =>
        fc.assert(
          restingProperty(QueueSchedule.schedule({ onJobStart, onMaxWait }), check),
          parameters(SCHEDULES, "properties/queue", name, Hash.string(name))
        ),
      patienceFor(SCHEDULES)
    )
  }
}

it.skipIf(SCHEDULES < 125 || isReplay)("nothing of interest is too rare in all this", () => {
  const rare = INTERESTING.filter((what) => (seen.get(what) ?? 0) < SCHEDULES / 50)
  expect(rare, show([...seen])).toEqual([])
})
