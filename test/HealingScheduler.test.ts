import { assert, describe, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import { type HealingPolicyInput, SupervisorError } from "effect-healing"
import { settle } from "./gate.js"
import { aJob, at, failureOf, goTo, makeWorld, minutes } from "./scheduler.js"

const daily = (time: string, fields: HealingPolicyInput = {}): HealingPolicyInput => ({
  schedule: { frequency: "daily", time, timeZone: "UTC" },
  ...fields
})

const hourly: HealingPolicyInput = { schedule: { frequency: "hourly" } }

const BEGIN = "its schedule counts from here on"

describe("by the clock", () => {
  it.scoped("a job is reviewed when it is due, once", () =>
    Effect.gen(function* () {
      const { occurrences, reviewed, start, state } = yield* makeWorld({}, at("2026-01-01T02:00"))
      state.jobs = [aJob("A", daily("03:00"))]
      const { scheduler } = yield* start
      assert.deepStrictEqual(yield* scheduler.upcoming, [{ job: "A", at: at("2026-01-01T03:00") }])
      yield* minutes(59)
      assert.deepStrictEqual(reviewed, [])
      yield* minutes(1)
      assert.deepStrictEqual(
        reviewed.map(({ job, triggers, priority }) => [job, triggers, priority]),
        [["A", ["schedule"], -30]]
      )
      yield* minutes(60)
      assert.lengthOf(reviewed, 1)
      const due = at("2026-01-01T03:00")
      const begin = at("2026-01-01T02:00")
      assert.deepStrictEqual(yield* occurrences, [
        { job: "A", first: begin, at: begin, request: null, reason: BEGIN },
        { job: "A", first: due, at: due, request: 1, reason: null }
      ])
      assert.deepStrictEqual(yield* scheduler.upcoming, [{ job: "A", at: at("2026-01-02T03:00") }])
    })
  )
})
void [SupervisorError, TestClock, failureOf, goTo, settle, hourly]
