import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, Schema } from "effect"
import { HealingConfig, HealingPolicy } from "effect-healing"
import { decodePolicy } from "../../src/policy/HealingPolicy.js"

const decode = (ofSupervisor: unknown, ofSettings?: unknown) => decodePolicy("digest", ofSupervisor, ofSettings)

/** What is wrong, as `key: expected`. */
const issues = (ofSupervisor: unknown, ofSettings?: unknown) =>
  Either.match(decode(ofSupervisor, ofSettings), {
    onLeft: (issues) =>
      issues.map(({ expected, job, key }) => {
        assert.strictEqual(job, "digest")
        return `${key}: ${expected}`
      }),
    onRight: () => []
  })

const good = (ofSupervisor: unknown, ofSettings?: unknown) => Either.getOrThrow(decode(ofSupervisor, ofSettings))

describe("HealingPolicy", () => {
  it("D17: reviews failures and breaches unless it says otherwise", () => {
    assert.deepStrictEqual(good({}), {
      enabled: true,
      triggers: ["failure", "sla_breach"],
      minRuns: 5,
      scope: ["runs", "logs", "sla", "script", "prompt", "config", "reviews"]
    })
    assert.deepStrictEqual(good({ enabled: undefined, schedule: null }), good({}))
    assert.deepStrictEqual(Schema.decodeSync(HealingPolicy)({}), good({}))
  })

  it("is read in the spelling of code and of files", () => {
    const inCode = {
      enabled: false,
      triggers: ["disk_full"],
      schedule: { frequency: "daily", time: "04:30", timeZone: "Asia/Tokyo" },
      minRuns: 0,
      cooldown: "2 hours",
      priority: -50,
      scope: ["logs"]
    }
    const inFile = {
      ...inCode,
      minRuns: undefined,
      min_runs: 0,
      schedule: { frequency: "daily", time: "04:30", time_zone: "Asia/Tokyo" }
    }
    assert.deepStrictEqual(good(inCode), { ...inCode, cooldown: Duration.hours(2) } as unknown as HealingPolicy)
    assert.deepStrictEqual(good(inFile), good(inCode))
    assert.deepStrictEqual(good({ cooldown: Duration.hours(2) }).cooldown, Duration.hours(2))
  })

  it("is that of the settings where both say something", () => {
    const supervisors = { min_runs: 1, schedule: { frequency: "hourly" }, triggers: [] }
    assert.deepStrictEqual(good(supervisors, { minRuns: 2, schedule: null }), { ...good({}), minRuns: 2, triggers: [] })
    assert.deepStrictEqual(good({ minRuns: "bad" }, { min_runs: 3 }).minRuns, 3)
  })

  it("is refused with every key that is wrong, what would be right, and nothing that was found", () => {
    assert.deepStrictEqual(
      issues({
        enabled: "yes, hunter2",
        triggers: ["manual"],
        minRuns: 201,
        cooldown: 600_000,
        priority: 0,
        scope: ["everything"],
        schedule: { frequency: "daily", time: "25:00" }
      }),
      [
        "enabled: expected true or false",
        "triggers: expected a list of at most 16 names of events, such as failure, but not manual or schedule",
        'schedule.time: expected a time of day from "00:00" to "23:59"',
        "minRuns: expected a whole number of 0 to 200",
        'cooldown: expected a finite duration with its unit, such as "1 hour"',
        "priority: expected a number below 0, the priority of every job",
        "scope: expected a list of runs, logs, sla, script, prompt, config, reviews"
      ]
    )
    assert.deepStrictEqual(issues({ cooldown: "infinity" }), [
      'cooldown: expected a finite duration with its unit, such as "1 hour"'
    ])
    for (const none of [[], 7, "hourly"]) assert.match(issues(none).join(), /^: expected a mapping of enabled, /)
  })

  it("answers a key that it does not know with the nearest one", () => {
    assert.deepStrictEqual(issues({ min_run: 3 }), ["min_run: is not known: did you mean min_runs?"])
    assert.deepStrictEqual(issues({ schedule: { frequency: "daily", tme: "03:00" } }), [
      "schedule.tme: is not known: beside daily there may be time, timeZone"
    ])
    assert.deepStrictEqual(issues({ schedule: { frequency: "hourly", time: "03:00" } }), [
      "schedule.time: is not known: beside hourly there may be minute"
    ])
    assert.deepStrictEqual(issues({ schedule: { frequency: "fortnightly" } }), [
      "schedule.frequency: expected hourly, daily, weekly, monthly, or a cron expression instead"
    ])
  })

  it.effect("stands under healing.jobs in a file, of which those in code take the place, job by job", () =>
    Effect.gen(function* () {
      const yaml = new URL("../support/policies.yaml", import.meta.url).pathname
      const { jobs } = yield* Effect.provide(
        HealingConfig,
        HealingConfig.layerLoad({ yaml, settings: { jobs: { digest: { minRuns: 1 } } } })
      )
      assert.deepStrictEqual(good({}, jobs.digest).minRuns, 1)
      assert.deepStrictEqual(good({}, jobs.report).schedule, {
        frequency: "weekly",
        day: "sunday",
        time: "03:00",
        timeZone: "Europe/Berlin"
      })
      assert.deepStrictEqual(good({}, jobs.empty), good({}))
      assert.match(issues({}, jobs.hourly).join(), /^: expected a mapping of enabled, /)
      assert.deepStrictEqual(issues({}, jobs.misspelt), ["cooldwn: is not known: did you mean cooldown?"])
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )
})
