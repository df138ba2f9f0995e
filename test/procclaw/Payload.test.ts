import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as fc from "effect/FastCheck"
import { decodePolicy } from "../../src/policy/HealingPolicy.js"
import { instantOf } from "../../src/procclaw/LocalTime.js"
import * as Payload from "../../src/procclaw/Payload.js"
import { isHealedByProcClaw, policyOf } from "../../src/procclaw/Policy.js"
import { runsOf as countOf, parameters } from "../support/property.js"
import { exchanges, recorded, ZONE } from "./recordings.js"

const bodies = (prefix: RegExp) => Object.entries(recorded).filter(([name]) => prefix.test(name))

describe("what ProcClaw answers", () => {
  it("is understood, as it was recorded", () => {
    for (const [name, body] of bodies(/^(?:jobs-|timeline.*-jobs)/)) {
      const found = Option.getOrUndefined(Payload.jobsOf(body))
      assert.isDefined(found, name)
      assert.strictEqual(found?.odd, 0, name)
      assert.isNotEmpty(found?.jobs, name)
    }
    for (const [name, body] of bodies(/^(?:runs-|timeline.*-runs)/)) {
      const runs = Option.getOrUndefined(Payload.runsOf(body, ZONE))
      assert.isDefined(runs, name)
      for (const { run } of runs ?? []) {
        assert.isNotNull(run.startedAt, name)
        if (run.outcome !== "running") assert.isAtLeast(run.endedAt ?? 0, run.startedAt ?? 0, name)
      }
    }
    const running = (name: string) =>
      Option.getOrThrow(Payload.jobsOf(recorded[name])).jobs.flatMap(({ id, isRunning, type }) =>
        isRunning && type === "openclaw" ? [id] : []
      )
    assert.deepStrictEqual(running("jobs-idle"), [])
    assert.deepStrictEqual(running("jobs-openclaw-running"), ["oc-digest"])
    assert.lengthOf(running("jobs-two-openclaw-parallel-manual-bypass"), 2)
    const idle = Option.getOrThrow(Payload.jobsOf(recorded["jobs-idle"])).jobs
    assert.sameMembers(
      idle.filter(({ hasSla }) => hasSla).map(({ id }) => id),
      ["oc-crash", "oc-digest", "oc-inbox"]
    )
  })

  it("says of each end what it was, as far as that can be told", () => {
    const ends = new Map<string, string>()
    for (const [, body] of bodies(/^(?:runs-|timeline.*-runs)/)) {
      for (const { error, run } of Option.getOrThrow(Payload.runsOf(body, ZONE))) {
        ends.set(`${run.exitCode} ${error?.replace(/\d+s/, "n s")}`, run.outcome)
      }
    }
    assert.deepStrictEqual(Object.fromEntries(ends), {
      "0 undefined": "succeeded",
      "3 undefined": "failed",
      "2 undefined": "failed",
      "-9 undefined": "failed",
      // One that was asked to end, and an orphan that has ended well.
      "-15 undefined": "stopped",
      "-15 Manually stopped": "stopped",
      // One that never lived.
      "-15 Killed (daemon restart)": "stopped",
      // Killed together with the daemon.
      "-15 Killed mid-execution (no heartbeat for n s)": "failed",
      "null Manually stopped": "stopped",
      "null undefined": "running"
    })
  })

  it("tells of runs that were too long or too late, and not again of those that failed", () => {
    const all = exchanges("sla").flatMap(({ body, request }) =>
      request.path.startsWith("/api/v1/sla/breaches") ? Option.getOrThrow(Payload.breachesOf(body, ZONE)) : []
    )
    assert.isNotEmpty(all)
    for (const { job, what } of all)
      assert.deepStrictEqual([job, what.replace(/\d+/, "n")], ["oc-inbox", "it took too long: n s"])
  })

  it("hides nothing by one odd entry, and is refused as a whole if it is something else", () => {
    const { jobs } = Option.getOrThrow(Payload.jobsOf(recorded["jobs-idle"]))
    const body = recorded["jobs-idle"] as { jobs: ReadonlyArray<object> } // As was recorded.
    const mixed = {
      jobs: [{ id: 7 }, ...body.jobs.map((job) => ({ ...job, news: [1], sla: "odd", cmd: null })), "x"]
    }
    const found = Option.getOrThrow(Payload.jobsOf(mixed))
    assert.deepStrictEqual([found.jobs.length, found.odd], [jobs.length, 2])
    // Of these it is not known what they are, or whether they run.
    for (const missing of ["type", "status"]) {
      const odd = Option.getOrThrow(
        Payload.jobsOf({ jobs: [{ id: "a", type: "openclaw", status: "running", [missing]: 7 }] })
      )
      assert.deepStrictEqual([odd.jobs.length, odd.odd], [0, 1], missing)
    }
    assert.isTrue(
      Option.isNone(Payload.runsOf({ runs: [{ id: "seven", job_id: "a" }] }, ZONE)),
      "it may be one that runs"
    )
    for (const other of [null, "x", { jobs: {} }, [], { detail: "no" }]) {
      assert.isTrue(Option.isNone(Payload.jobsOf(other)))
      assert.isTrue(Option.isNone(Payload.runsOf(other, ZONE)))
      assert.isTrue(Option.isNone(Payload.breachesOf(other, ZONE)))
      assert.strictEqual(Payload.linesOf(other), "")
      assert.deepStrictEqual(Payload.promptOf(other), {})
    }
  })
})

describe("a time without a zone", () => {
  it("is that of ProcClaw's machine", () => {
    assert.strictEqual(instantOf("2026-11-25T21:16:50.430150", ZONE), Date.parse("2026-11-26T00:16:50.430Z"))
    assert.strictEqual(instantOf("2026-11-26T07:00:00-03:00", "UTC"), Date.parse("2026-11-26T10:00:00Z"))
    assert.strictEqual(instantOf("2026-07-01T12:00:00", "Europe/Berlin"), Date.parse("2026-07-01T10:00:00Z"))
    // It comes twice, and does not come.
    assert.strictEqual(instantOf("2026-10-25T02:30:00", "Europe/Berlin"), Date.parse("2026-10-25T00:30:00Z"))
    assert.strictEqual(instantOf("2026-03-29T02:30:00", "Europe/Berlin"), Date.parse("2026-03-29T01:30:00Z"))
    for (const none of ["", "yesterday", "2026-13-01T00:00:00", "9999999-01-01T00:00:00"])
      assert.isNull(instantOf(none, ZONE), none)
  })

  it("is shown by the clocks of its zone as it was written", () => {
    const zones = ["Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata", "UTC"]
    const at = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2040, 0, 1) })
    const property = fc.property(fc.constantFrom(...zones), at, (timeZone, at) => {
      const shown = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" })
        .format(at)
        .replace(" ", "T")
      const found = instantOf(shown, timeZone) ?? assert.fail(shown)
      const again = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" })
        .format(found)
        .replace(" ", "T")
      assert.strictEqual(again, shown)
      // The same one, or the first of two.
      assert.isAtMost(found, at)
    })
    fc.assert(
      property,
      parameters(countOf({ few: 200, many: 5000 }), "test/procclaw/Payload.test.ts", "is shown by the clocks")
    )
  })
})

describe("what it says of its reviews", () => {
  const policy = (selfHealing: Record<string, unknown>) => policyOf(selfHealing, ZONE)
  const proactive = (review_schedule: Record<string, unknown>) => policy({ mode: "proactive", review_schedule })

  it("is a policy that fits, of every job that was recorded", () => {
    for (const [name, body] of bodies(/^jobs-/)) {
      for (const { id, selfHealing } of Option.getOrThrow(Payload.jobsOf(body)).jobs) {
        const decoded = decodePolicy(id, policy(selfHealing), undefined)
        assert.strictEqual(decoded._tag, "Right", `${name} ${id} ${JSON.stringify(decoded)}`)
      }
    }
  })

  it("means when it is reviewed", () => {
    assert.deepStrictEqual(policy({}), { triggers: ["failure"] })
    assert.deepStrictEqual(policy({ mode: "reactive", review_schedule: { frequency: "daily", min_runs: 3 } }), {
      min_runs: 3,
      triggers: ["failure"]
    })
    assert.deepStrictEqual(proactive({ frequency: "on_failure", min_runs: 1 }), { min_runs: 1, triggers: ["failure"] })
    assert.deepStrictEqual(proactive({ frequency: "on_sla_breach" }), { triggers: ["sla_breach"] })
    assert.deepStrictEqual(proactive({ frequency: "manual" }), { triggers: [] })
    assert.deepStrictEqual(proactive({ frequency: "hourly" }), { triggers: [], schedule: { frequency: "hourly" } })
    assert.deepStrictEqual(proactive({ time: "04:30" }), {
      triggers: [],
      schedule: { frequency: "daily", time: "04:30", time_zone: ZONE }
    })
    assert.deepStrictEqual(proactive({ frequency: "monthly", day: 9, day_of_month: 15 }), {
      triggers: [],
      schedule: { frequency: "monthly", day: 15, time: "03:00", time_zone: ZONE }
    })
    const days = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
    assert.deepStrictEqual(
      days.map((_, day) => proactive({ frequency: "weekly", day })),
      days.map((day) => ({ triggers: [], schedule: { frequency: "weekly", day, time: "03:00", time_zone: ZONE } }))
    )
    assert.deepStrictEqual(
      policy({ review_scope: { analyze_logs: true, analyze_script: false, analyze_ai_sessions: true } }),
      {
        scope: ["runs", "logs", "sla", "prompt", "config", "reviews"],
        triggers: ["failure"]
      }
    )
    assert.deepStrictEqual([{ enabled: true }, { enabled: false }, {}, { enabled: "yes" }].map(isHealedByProcClaw), [
      true,
      false,
      false,
      false
    ])
  })

  it("is a problem of the job where it does not fit, which names what", () => {
    const keyOf = (selfHealing: Record<string, unknown>) => {
      const decoded = decodePolicy("digest", policy(selfHealing), undefined)
      return decoded._tag === "Left" ? decoded.left.map(({ job, key }) => `${job}: ${key}`) : []
    }
    const of = (review_schedule: Record<string, unknown>) => keyOf({ mode: "proactive", review_schedule })
    assert.deepStrictEqual(of({ frequency: "yearly" }), ["digest: schedule.frequency"])
    assert.deepStrictEqual(of({ time: "25:00" }), ["digest: schedule.time"])
    assert.deepStrictEqual(of({ frequency: "weekly", day: 7 }), ["digest: schedule.day"])
    assert.deepStrictEqual(of({ frequency: "monthly", day_of_month: 32 }), ["digest: schedule.day"])
    assert.deepStrictEqual(of({ min_runs: -1 }), ["digest: min_runs"])
    assert.deepStrictEqual(keyOf({ mode: "eager" }), ["digest: triggers"])
    assert.deepStrictEqual(keyOf({ review_scope: "all" }), ["digest: scope"])
  })
})
