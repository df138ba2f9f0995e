/** What policies want of runs beyond their exit codes. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck } from "effect"
import { type HealingPolicyInput, Reviewed } from "effect-healing"
import { problemOf } from "../../src/policy/RunRule.js"
import { FakeChannel, failing, type Life, makeNoticeWorld } from "../support/noticeWorld.js"
import { parameters, runsOf } from "../support/property.js"
import { settle } from "../support/schedulerWorld.js"
import { aSuggestion } from "../support/storeSamples.js"

const scoped = it.scoped

const makeWorld = Effect.gen(function* () {
  const slack = new FakeChannel("slack")
  const world = yield* makeNoticeWorld([slack])
  const begin = (policy: HealingPolicyInput) =>
    Effect.gen(function* () {
      const life = yield* world.start
      yield* life.registry.add({ id: "digest", policy })
      yield* life.scheduler.refresh
      yield* settle
      return life
    })
  const minutes = (many: number) => Effect.forEach(Array(many), () => world.pass("1 minute"), { discard: true })
  /** Why it was reviewed, each time. */
  const reviewed = () => world.reviewed.map(({ note, triggers }) => `${triggers.join()}: ${note}`)
  return { ...world, slack, begin, minutes, reviewed }
})

/** A run that takes so many minutes, and prints this. */
const run = (
  { registry }: Life,
  world: { readonly minutes: (many: number) => Effect.Effect<unknown> },
  {
    exitCode = 0,
    minutes = 0,
    output = "done"
  }: { readonly minutes?: number; readonly output?: string; readonly exitCode?: number } = {}
) =>
  Effect.gen(function* () {
    const id = yield* registry.started("digest")
    yield* settle
    if (minutes > 0) yield* world.minutes(minutes)
    if (output !== "") yield* registry.print("digest", `${output}\n`)
    yield* registry.ended("digest", id, exitCode === 0 ? { exitCode } : failing("Error: boom"))
    yield* settle
  })

describe("expectedEvery", () => {
  scoped("tells once that a job does not run, in time that was watched, until it runs again", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      let life = yield* world.begin({ expectedEvery: "10 minutes" })
      yield* world.minutes(6)
      yield* life.stop
      // Nobody watches: the process is down, and then the machine sleeps.
      yield* world.pass("1 day")
      life = yield* world.begin({ expectedEvery: "10 minutes" })
      yield* world.pass("1 day")
      yield* world.minutes(2)
      assert.deepStrictEqual(world.slack.told, [])
      yield* world.minutes(4)
      assert.deepStrictEqual(world.slack.told, ["JobFailing digest", "ReviewCompleted digest"])
      assert.strictEqual(world.slack.taken[0]?.title, "digest is not as it should be: it has not run for 10m")
      assert.deepStrictEqual(world.reviewed(), ["missed_run: it has not run for 10m"])
      yield* world.minutes(30)
      assert.strictEqual(world.slack.taken.length, 2)
      for (let again = 0; again < 3; again++) yield* run(life, world)
      yield* world.minutes(1)
      assert.strictEqual(world.slack.told.at(-1), "JobRecovered digest")
      yield* world.minutes(12)
      assert.strictEqual(world.slack.told.at(-1), "JobFailing digest")
      assert.strictEqual(world.reviewed().length, 1, "a review has explained it before")
    })
  )

  scoped("remembers a run that a failing store could not write down, when it can", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      let life = yield* world.begin({ expectedEvery: "10 minutes" })
      yield* world.minutes(6)
      yield* run(life, world)
      world.disk.fail("Unavailable")
      yield* world.minutes(1)
      world.disk.repair()
      yield* world.minutes(2)
      yield* life.stop
      life = yield* world.begin({ expectedEvery: "10 minutes" })
      yield* world.minutes(3)
      assert.notInclude(world.slack.told, "JobFailing digest")
      yield* world.minutes(6)
      assert.include(world.slack.told, "JobFailing digest")
    })
  )

  scoped("is silent as long as it runs, or runs often enough, and about a job that is always up", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const life = yield* world.begin({ expectedEvery: "10 minutes" })
      yield* life.registry.add({
        id: "api",
        alwaysUp: true,
        policy: { expectedEvery: "10 minutes", maxDuration: "1 minute" }
      })
      yield* life.registry.started("api")
      for (let again = 0; again < 5; again++) {
        yield* world.minutes(6)
        yield* run(life, world, { exitCode: again === 2 ? 1 : 0 })
      }
      yield* run(life, world, { minutes: 30 })
      yield* world.minutes(8)
      assert.deepStrictEqual(world.reviewed(), ["failure: null"])
    })
  )
})

describe("maxDuration and minDuration", () => {
  scoped("tell of a run that takes too long while it still runs, once", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const life = yield* world.begin({ maxDuration: "10 minutes", minDuration: "1 minute" })
      yield* run(life, world, { minutes: 8 })
      const id = yield* life.registry.started("digest")
      yield* settle
      yield* world.minutes(9)
      assert.deepStrictEqual(world.reviewed(), [])
      yield* world.minutes(2)
      assert.deepStrictEqual(world.reviewed(), ["too_long: it runs for more than 10m"])
      yield* world.minutes(60)
      yield* life.registry.ended("digest", id, { exitCode: 0 })
      yield* settle
      assert.deepStrictEqual(world.slack.told, ["JobFailing digest", "ReviewCompleted digest"])
    })
  )

  scoped("tell of a run that is recorded as good after no time at all", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const life = yield* world.begin({ minDuration: "1 minute" })
      yield* run(life, world, { minutes: 2 })
      yield* run(life, world, { exitCode: 1 })
      assert.deepStrictEqual(world.reviewed(), ["failure: null"])
      yield* run(life, world)
      assert.deepStrictEqual(world.reviewed().slice(1), ["too_short: it has ended well within less than 1m"])
      yield* run(life, world)
      assert.strictEqual(world.reviewed().length, 2, "as a failure that is known")
    })
  )
})

describe("a run that is bad after all", () => {
  scoped("is no good one, neither for a recovery nor for a change that is watched", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const life = yield* world.begin({ output: { mustNot: ["rate limit"] } })
      yield* run(life, world)
      yield* run(life, world, { output: "rate limit" })
      const suggestions = [aSuggestion]
      world.state.review = () => Effect.succeed(Reviewed.Completed({ report: { summary: "found", suggestions } }))
      yield* life.queue.submit({ job: "digest", trigger: "manual" })
      yield* settle
      const [one] = yield* life.suggestions.list()
      const { seal } = yield* life.suggestions.preview(String(one?.id))
      yield* life.suggestions.approve(String(one?.id), { seal: String(seal), who: "anna" })
      for (let again = 0; again < 5; again++) {
        yield* run(life, world, { output: "rate limit" })
        yield* world.minutes(1)
      }
      assert.notInclude(world.slack.told, "JobRecovered digest")
      assert.notInclude(world.slack.told, "SuggestionConfirmed digest")
      for (let again = 0; again < 3; again++) yield* run(life, world)
      assert.include(world.slack.told, "SuggestionConfirmed digest")
      yield* world.minutes(1)
      assert.include(world.slack.told, "JobRecovered digest")
    })
  )
})

describe("output", () => {
  scoped("tells of what a good run must have printed, and must not, of that run alone", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const life = yield* world.begin({ output: { must: ["sent * mails"], mustNot: ["rate limit"] } })
      yield* run(life, world, { output: "sent 7 mails" })
      yield* run(life, world, { output: "sent 7 mails\nok" })
      assert.deepStrictEqual(world.reviewed(), [])
      // What the run before has printed is not of this one.
      yield* run(life, world, { output: "nothing to do" })
      assert.deepStrictEqual(world.reviewed(), ['bad_output: it has not printed "sent * mails", which it must'])
      yield* run(life, world, { output: "sent 1 mails\nAPI rate limit reached" })
      assert.deepStrictEqual(world.reviewed().slice(1), ['bad_output: it has printed "rate limit", which it must not'])
      yield* run(life, world, { exitCode: 1, output: "rate limit" })
      assert.deepStrictEqual(world.reviewed().slice(2), ["failure: null"])
    })
  )

  it("takes texts and globs, each line for itself, and no longer than they are worth", () => {
    assert.isUndefined(problemOf({ must: ["done"] }, ["well done"], true))
    assert.isUndefined(problemOf({ must: ["d*n?"] }, ["done"], true))
    assert.isDefined(problemOf({ must: ["d*n?"] }, ["well done"], true))
    assert.isUndefined(problemOf({ must: ["done"] }, [], false), "not all of it is there")
    assert.isUndefined(problemOf({ mustNot: ["x"] }, [`${"-".repeat(1000)}x`], true))
    for (const text of ["a.b", "(a|b)", "[ab]", "{a,b}", "^a$", "a\\b"]) {
      assert.isUndefined(problemOf({ must: [text] }, [`>${text}<`], true), text)
      assert.isUndefined(problemOf({ must: [`*${text}?`] }, [`>${text}<`], true), text)
    }
    // An expression would take for ever.
    assert.isDefined(problemOf({ must: [`${"*a".repeat(99)}b`] }, ["a".repeat(1000)], true))
  })

  it("a glob means what it says", () => {
    const sign = FastCheck.constantFrom("a", "b", "*", "?")
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(sign, { minLength: 1, maxLength: 8 }),
        FastCheck.array(FastCheck.constantFrom("a", "b"), { maxLength: 8 }),
        (glob, line) => {
          FastCheck.pre(glob.some((one) => one === "*" || one === "?"))
          const expression = new RegExp(`^${glob.join("").replaceAll("*", ".*").replaceAll("?", ".")}$`)
          const matches = problemOf({ must: [glob.join("")] }, [line.join("")], true) === undefined
          assert.strictEqual(matches, expression.test(line.join("")))
        }
      ),
      parameters(runsOf({ few: 500, many: 20_000 }), "test/scheduler/RunRules.test.ts")
    )
  })
})

scoped("what a policy wants of runs is refused if it is not understood", () =>
  Effect.gen(function* () {
    const world = yield* makeWorld
    const life = yield* world.begin({
      expected_every: "0 seconds",
      max_duration: "soon",
      output: { must: [], must_nt: ["x"] }
    } as HealingPolicyInput)
    const problems = yield* life.scheduler.problems
    assert.deepStrictEqual(
      problems.map(({ expected, key }) => `${key}: ${expected}`),
      [
        'expected_every: expected a finite duration above zero with its unit, such as "1 day"',
        'max_duration: expected a finite duration above zero with its unit, such as "1 day"',
        "output.must_nt: is not known: there may be must and must_not",
        "output.must: expected a list of 1 to 16 texts of 1 to 200 characters"
      ]
    )
  })
)
