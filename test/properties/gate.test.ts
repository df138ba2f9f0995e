/**
 * R1-R12 and R16: whatever happens, the gate does what its model does.
 *
 * A schedule is a list of steps. After each of them, all that can be seen of the service must be as the model has it.
 * A failure prints the shortest schedule that was found, and how to see it again.
 */
import { isDeepStrictEqual } from "node:util"
import { expect, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import { isReplay, parameters, patienceFor, restingProperty, runsOf } from "../support/property.js"
import * as GateDriver from "./GateDriver.js"
import * as Model from "./GateModel.js"
import * as GateSchedule from "./GateSchedule.js"

/** Of each of the twelve settings below. */
const SCHEDULES = runsOf({ few: 12, many: 84 })

const START = 1000

const show = (what: unknown): string =>
  JSON.stringify(what, (_, value: unknown) => (value === Number.POSITIVE_INFINITY ? "infinity" : value))

/** What is seen to be otherwise than it should be. */
const difference = (is: Model.View, should: Model.View): ReadonlyArray<string> => {
  // R12: one timer at most, and none if none is needed. One that goes off early costs that moment and no more.
  const isEarly =
    is.timers.length === 1 && should.timers.length === 1 && Math.max(...is.timers) <= Math.max(...should.timers)
  const all: Record<string, unknown> = { ...is }
  return Object.entries({ ...should, timers: isEarly ? is.timers : should.timers }).flatMap(([key, value]) =>
    isDeepStrictEqual(all[key], value) ? [] : [`${key} is      ${show(all[key])}`, `${key} must be ${show(value)}`]
  )
}

const INTERESTING = [
  "Success",
  "Failure",
  "Defect",
  "Interrupted",
  "HealingTimeout",
  "HealingDeadlock",
  "HealingClosed",
  "begun",
  "begun overdue",
  "yielded",
  "yielded for the last time",
  "stopped halfway"
]

/** How often what has happened in all schedules. */
const seen = new Map<string, number>()

const see = (what: string): void => {
  seen.set(what, (seen.get(what) ?? 0) + 1)
}

const check = ({ budget, interrupts, settings, steps }: GateSchedule.Schedule): void => {
  const driver = GateDriver.make(settings, budget, START)
  let state = Model.initial(settings, START)
  const trace: Array<string> = [`${show(settings)}, a budget of ${budget}`]

  const perform = ({ events, races }: GateSchedule.Batch): void => {
    if (races) trace.push("  in either order")
    for (const event of events) {
      trace.push(`    ${show(event)}`)
      driver.perform(event)
    }
  }

  const take = (batch: GateSchedule.Batch, cut?: GateSchedule.Step["cut"]): void => {
    if (batch.events.length > 0) trace.push(`at ${state.now}`)
    const turns = driver.turns()
    perform(batch)
    let [before, last] = [state, batch]
    const after = batch.events.reduce(Model.apply, state)
    if (cut !== undefined && GateSchedule.isCuttable(state, batch, after, budget)) {
      driver.run(cut.tasks)
      // Those that have begun before the last instant have done so in the model as well.
      const begun = driver.turns() - turns - (GateSchedule.turns(after) - GateSchedule.turns(state))
      trace.push(`  after ${cut.tasks} tasks, and ${begun} reviews begun`)
      before = Model.settle(after, begun)
      last = GateSchedule.resolve(before, cut.drafts, budget, state)
      // Who has been granted a turn by now may come to it before it comes to what it is told.
      last = { ...last, races: last.events.some(GateSchedule.takesTime) }
      perform(last)
      if (!isDeepStrictEqual(before, Model.settle(after))) see("stopped halfway")
    }
    driver.run()
    const view = driver.view()
    const results = GateSchedule.results(before, last)
    const right = results.findIndex((result) => difference(view, Model.view(result)).length === 0)
    state = results[Math.max(right, 0)] ?? state
    if (right === -1) throw new Error(difference(view, Model.view(state)).join("\n"))
  }

  const one = (event: Model.Event): void => take({ events: [event], races: false })

  try {
    for (const { cut, drafts } of steps) take(GateSchedule.resolve(state, drafts, budget), cut)

    // All that is left comes to its end, and nothing may be left of it.
    if (interrupts) {
      // Those who wait first, so that none of them gets a turn.
      for (const { id } of [...Model.line(state), ...Model.inTurn(state)]) one({ _tag: "Interrupt", id })
    }
    if (!state.closed) one({ _tag: "CloseLayer" })
    for (const { id, phase } of GateSchedule.present(state)) if (phase === "running") one({ _tag: "Succeed", id })
    for (const { id } of GateSchedule.present(state)) one({ _tag: "Release", id })
    for (const job of state.holders) one({ _tag: "LetGo", job })
    for (const { call } of state.daemons) one({ _tag: "WakeDaemon", id: call.id })
    for (const source of GateSchedule.adapters(state)) one({ _tag: "Close", source })
    if (driver.fibers() > 0) throw new Error(`${driver.fibers()} fibers are left`)
  } catch (error) {
    throw new Error(`${trace.join("\n")}\n${error instanceof Error ? error.message : String(error)}`)
  }

  for (const { outcome, overdue, turns, yields } of state.healings) {
    see(outcome?._tag ?? "no end")
    if (turns > 0) see(overdue ? "begun overdue" : "begun")
    if (yields > 0) see(yields < settings.maxYields ? "yielded" : "yielded for the last time")
  }
}

/** The test runner, too, wants to run now and then. */
for (const onJobStart of ["continue", "yield"] as const) {
  for (const onMaxWait of ["fail", "run"] as const) {
    for (const quietPeriod of [0, 1000, 10_000]) {
      const name = `onJobStart ${onJobStart}, onMaxWait ${onMaxWait}, quietPeriod ${quietPeriod} ms`

      it(
        name,
        () =>
          fc.assert(
            restingProperty(GateSchedule.schedule({ onJobStart, onMaxWait, quietPeriod }), check),
            parameters(SCHEDULES, "properties/gate", name)
          ),
        patienceFor(SCHEDULES)
      )
    }
  }
}

it.skipIf(SCHEDULES < 84 || isReplay)("nothing of interest is too rare in all this", () => {
  const rare = INTERESTING.filter((what) => (seen.get(what) ?? 0) < (12 * SCHEDULES) / 101)
  expect(rare, show([...seen])).toEqual([])
})
