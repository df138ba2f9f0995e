/** What people are told of, and what they are not. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  type HealingInvalid,
  type HealingPolicyInput,
  type HealingRequest,
  type HealingStoreError,
  type HealingSuggestion,
  ReviewError,
  Reviewed,
  type SuggestionSeverity
} from "effect-healing"
import * as OfSuggestion from "../../src/notify/OfSuggestion.js"
import { FakeChannel, failing, type Life, makeNoticeWorld, runJob } from "../support/noticeWorld.js"
import { isFull } from "../support/property.js"
import { settle } from "../support/schedulerWorld.js"
import { aSuggestion } from "../support/storeSamples.js"

const scoped = it.scoped

describe("a crash loop", () => {
  scoped("leads to the notices that a person wants to get, and to no others", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack])
      const life = yield* world.start
      yield* life.registry.add({ id: "digest" })
      for (let run = 0; run < (isFull ? 10_000 : 60); run++) {
        yield* runJob(life, "digest", failing("Error: disk full"))
        if (run % 50 === 0) yield* world.pass("1 minute")
      }
      yield* world.pass("1 hour")
      assert.deepStrictEqual(slack.told, ["JobFailing digest", "ReviewCompleted digest"])
      const [failure, review] = slack.taken
      assert.strictEqual(failure?.title, "digest fails")
      assert.strictEqual(review?.cause, "the disk is full")
      assert.strictEqual(review?.command, "effect-healing report healing:digest:1")
    })
  )

  scoped("that changes, recovers and comes back is told each time", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack])
      const life = yield* world.start
      yield* life.registry.add({ id: "digest" })
      const fails = (error: string) => Effect.zipRight(runJob(life, "digest", failing(error)), world.pass("1 minute"))
      const runs = Effect.zipRight(runJob(life, "digest"), world.pass("1 minute"))
      yield* fails("Error: disk full")
      yield* fails("Error: disk full")
      yield* fails("TypeError: x is not a function")
      yield* fails("Error: disk full")
      yield* runs
      yield* runs
      yield* fails("Error: disk full")
      yield* runs
      yield* runs
      yield* runs
      yield* runs
      yield* fails("Error: disk full")
      assert.deepStrictEqual(slack.told, [
        "JobFailing digest",
        "ReviewCompleted digest",
        "JobFailing digest",
        "ReviewCompleted digest",
        "JobRecovered digest",
        "JobFailing digest"
      ])
      assert.strictEqual(slack.taken[4]?.title, "digest runs well again: 3 good runs")
      // A review has explained it before, so that it is not reviewed again.
      assert.strictEqual(slack.taken[5]?.cause, "the disk is full")
      yield* life.stop
      const again = yield* world.start
      yield* again.registry.add({ id: "digest" })
      yield* runJob(again, "digest", failing("Error: disk full"))
      assert.strictEqual(slack.taken.length, 6, "also not after a restart")
      yield* runJob(again, "digest")
      yield* runJob(again, "digest")
      yield* again.stop
      const last = yield* world.start
      yield* last.registry.add({ id: "digest" })
      yield* runJob(last, "digest")
      yield* world.pass("1 minute")
      assert.strictEqual(slack.told.at(-1), "JobRecovered digest", "good runs count across restarts")
    })
  )

  scoped("of unknown causes is one", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack])
      const life = yield* world.start
      yield* life.registry.add({ id: "digest" })
      for (let run = 0; run < 5; run++) {
        yield* runJob(life, "digest", { exitCode: 1 })
        yield* world.pass("20 minutes")
      }
      assert.deepStrictEqual(slack.told, ["JobFailing digest", "ReviewCompleted digest"])
    })
  )

  scoped("is told of again when the reminder is due", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack], { notify: { remindAfter: "1 day" } })
      const life = yield* world.start
      yield* life.registry.add({ id: "digest" })
      for (let hour = 0; hour < 50; hour++) {
        yield* runJob(life, "digest", failing("Error: disk full"))
        yield* world.pass("1 hour")
      }
      assert.deepStrictEqual(
        slack.told.filter((told) => told === "JobFailing digest").length,
        3,
        "at the beginning, and once a day"
      )
    })
  )
})

describe("a review", () => {
  scoped("has the severity of its worst suggestion, and is told of from a severity on", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack], { notify: { reviewsFrom: "medium" } })
      const life = yield* world.start
      const review = (...severities: ReadonlyArray<"low" | "medium" | "critical">) =>
        Effect.gen(function* () {
          const suggestions = severities.map((severity) => ({ ...aSuggestion, severity }))
          world.state.review = () =>
            Effect.succeed(Reviewed.Completed({ report: { summary: "found", suggestions, costUsd: 0.25 } }))
          yield* life.queue.submit({ job: "digest", trigger: "manual" })
          yield* settle
        })
      yield* review()
      yield* review("low", "low")
      yield* review("low", "medium")
      yield* review("critical", "low")
      assert.deepStrictEqual(
        slack.taken.map(({ costUsd, details, severity }) => [severity, details.length, costUsd]),
        [
          ["medium", 2, 0.25],
          ["critical", 2, 0.25]
        ]
      )
    })
  )

  scoped("that fails for good is told of with why, and that OpenClaw is missing once for all jobs", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack], { maxAttempts: 1 })
      const life = yield* world.start
      const failsWith = (reason: string) => {
        world.state.review = ({ job }) => new ReviewError({ job, reason, retry: { _tag: "Never" } })
      }
      const ask = (job: string) => Effect.zipRight(life.queue.submit({ job, trigger: "manual" }), settle)
      failsWith("no model answers")
      yield* ask("digest")
      failsWith('there is no program "openclaw": install OpenClaw')
      yield* ask("digest")
      yield* ask("mail")
      world.state.review = () => Effect.succeed(Reviewed.Completed({ report: { summary: "fine" } }))
      yield* ask("mail")
      failsWith('"openclaw" cannot take a turn from a file: install 2026.8.1 or newer')
      yield* ask("mail")
      yield* ask("digest")
      assert.deepStrictEqual(slack.told, [
        "ReviewFailed digest",
        "OpenClawMissing",
        "ReviewCompleted mail",
        "OpenClawMissing"
      ])
      assert.deepStrictEqual(
        slack.taken.map(({ severity }) => severity),
        ["high", "low", "low", "low"]
      )
      assert.strictEqual(slack.taken[0]?.cause, "no model answers")
    })
  )
})

/** Reviews whose suggestion has this severity, one after the other, each asked for by hand. */
const reviewJobs = (
  life: Life,
  world: { readonly state: { review: (request: HealingRequest) => Effect.Effect<Reviewed, ReviewError> } },
  jobs: ReadonlyArray<string>,
  severity: SuggestionSeverity = "low"
) =>
  Effect.gen(function* () {
    const suggestions = [{ ...aSuggestion, severity }]
    world.state.review = () => Effect.succeed(Reviewed.Completed({ report: { summary: "found", suggestions } }))
    for (const job of jobs) {
      yield* life.queue.submit({ job, trigger: "manual" })
      yield* settle
    }
  })

const named = (number: number, from = 0) => Array.from({ length: number }, (_, index) => `job-${from + index}`)

describe("too much within an hour", () => {
  scoped("comes as one notice that counts it, but for what is critical", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack], { notify: { maxPerHour: 3 } })
      const life = yield* world.start
      yield* reviewJobs(life, world, named(20))
      yield* reviewJobs(life, world, ["hot"], "critical")
      assert.deepStrictEqual(slack.told, [
        "ReviewCompleted job-0",
        "ReviewCompleted job-1",
        "ReviewCompleted job-2",
        "ReviewCompleted hot"
      ])
      yield* world.pass("61 minutes")
      const several = slack.taken.at(-1)
      assert.strictEqual(several?.title, "17 more notices within the hour")
      assert.deepStrictEqual(
        [several?.details.length, several?.details[0], several?.details.at(-1)],
        [11, "job-3 was reviewed", "… and 7 more"]
      )
      yield* reviewJobs(life, world, ["later"])
      assert.strictEqual(slack.told.at(-1), "ReviewCompleted later", "the hour is over")
    })
  )

  scoped("loses nothing that comes while it is being sent", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack], { notify: { maxPerHour: 1 } })
      const life = yield* world.start
      yield* reviewJobs(life, world, named(3))
      // One more comes between the look at it and its end.
      let isFirst = true
      slack.before = Effect.suspend(() => {
        if (!isFirst) return Effect.void
        isFirst = false
        return reviewJobs(life, world, ["between"]).pipe(Effect.orDie)
      })
      yield* world.pass("61 minutes")
      yield* world.pass("61 minutes")
      yield* world.pass("61 minutes")
      const titles = slack.taken.flatMap(({ details, kind, title }) => (kind === "Several" ? details : [title]))
      assert.sameMembers(
        titles,
        [...named(3), "between"].map((job) => `${job} was reviewed`)
      )
    })
  )
})

describe("quiet hours", () => {
  scoped("hold back all but what is critical, and the rest comes afterwards in its order", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      // The world begins at midnight, UTC.
      const quietHours = { from: "22:00", to: "07:00", timeZone: "UTC" }
      const world = yield* makeNoticeWorld([slack], { notify: { quietHours, retryFor: "1 hour" } })
      const life = yield* world.start
      yield* reviewJobs(life, world, ["digest", "mail"])
      yield* reviewJobs(life, world, ["digest"], "critical")
      assert.deepStrictEqual(
        slack.taken.map(({ severity }) => severity),
        ["critical"]
      )
      yield* world.pass("6 hours")
      assert.strictEqual(slack.taken.length, 1)
      yield* world.pass("61 minutes")
      assert.deepStrictEqual(slack.told, ["ReviewCompleted digest", "ReviewCompleted digest", "ReviewCompleted mail"])
    })
  )
})

describe("what is muted", () => {
  scoped("is not told of for that time: a job, a failure, or a failure of one job", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack])
      let life = yield* world.start
      for (const id of ["digest", "mail"]) yield* life.registry.add({ id })
      const { notices } = life
      yield* notices.mute({ job: "digest" }, { for: "2 hours", who: "anna" })
      yield* runJob(life, "digest", failing("Error: disk full"))
      assert.deepStrictEqual(slack.told, [])
      yield* life.stop
      life = yield* world.start
      for (const id of ["digest", "mail"]) yield* life.registry.add({ id })
      yield* runJob(life, "digest", failing("Error: no memory"))
      assert.deepStrictEqual(slack.told, [], "also not after a restart")
      assert.deepStrictEqual(
        (yield* life.notices.muted).map(({ by, job, signature }) => [job, signature, by]),
        [["digest", null, "anna"]]
      )
      yield* world.pass("121 minutes")
      assert.deepStrictEqual(yield* life.notices.muted, [])
      yield* runJob(life, "digest", failing("Error: disk full"))
      assert.deepStrictEqual(slack.told, ["JobFailing digest"])
      const { signature } = slack.taken[0] ?? {}
      yield* life.notices.mute({ signature: String(signature) }, { for: "1 hour", who: "anna" })
      yield* runJob(life, "mail", failing("Error: disk full"))
      yield* runJob(life, "mail", failing("Error: something else"))
      assert.deepStrictEqual(slack.told.slice(1), ["JobFailing mail", "ReviewCompleted mail"])
      yield* life.notices.unmute({ signature: String(signature) })
      yield* runJob(life, "mail", failing("Error: disk full"))
      assert.deepStrictEqual(slack.told.slice(3), ["JobFailing mail"])
    })
  )

  scoped("is refused if it names nothing, or no time", () =>
    Effect.gen(function* () {
      const world = yield* makeNoticeWorld([new FakeChannel("slack")])
      const { notices } = yield* world.start
      const messages = yield* Effect.forEach(
        [
          notices.mute({}, { for: "1 hour", who: "anna" }),
          notices.mute({ job: "digest" }, { for: 0, who: "anna" }),
          notices.mute({ job: "digest" }, { for: "400 days", who: "" }),
          notices.test("slak")
        ],
        (asked: Effect.Effect<object, HealingInvalid | HealingStoreError>) =>
          Effect.map(Effect.flip(asked), ({ message }) => message)
      )
      assert.deepStrictEqual(messages, [
        "expected a job, a signature, or both",
        'for: expected a duration above zero and of a year at most, such as "2 hours"',
        'for: expected a duration above zero and of a year at most, such as "2 hours"\nwho: expected who says so, in 1 to 256 characters',
        'channel: there is no channel "slak": did you mean slack?'
      ])
    })
  )
})

describe("a channel", () => {
  scoped("that takes nothing for as long as notify.retryFor loses what is older, with why, and nothing newer", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const mail = new FakeChannel("mail")
      slack.behaviour = "fails"
      const world = yield* makeNoticeWorld([slack, mail], { notify: { retryFor: "1 hour" } })
      const life = yield* world.start
      yield* reviewJobs(life, world, ["old", "old too"])
      assert.strictEqual(mail.taken.length, 2, "the other channel is not held up")
      for (let minutes = 0; minutes < 90; minutes += 5) yield* world.pass("5 minutes")
      yield* reviewJobs(life, world, ["new"])
      const failed = yield* life.notices.list({ channel: "slack", states: ["failed"] })
      assert.deepStrictEqual(
        failed.map(({ notice, reason }) => [notice.job, reason]),
        ["old too", "old"].map((job) => [job, "it could not be sent within 1h: it answers 503"])
      )
      slack.behaviour = "takes"
      yield* world.pass("15 minutes")
      assert.deepStrictEqual(slack.told, ["ReviewCompleted new"])
      assert.include(world.logged, 'The channel "slack" takes notices again')
    })
  )

  scoped("is tried with back-off, and left alone for as long as it asks, up to an hour", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      slack.behaviour = "fails"
      const world = yield* makeNoticeWorld([slack])
      const life = yield* world.start
      yield* reviewJobs(life, world, named(50))
      for (let seconds = 0; seconds < 600; seconds += 5) yield* world.pass("5 seconds")
      assert.isAtMost(slack.tried.length, 9, "of all of them together")
      slack.behaviour = { retryAfter: 10 * 3_600_000 }
      yield* world.pass("15 minutes")
      const before = slack.tried.length
      slack.behaviour = "takes"
      for (let minutes = 0; minutes < 58; minutes++) yield* world.pass("1 minute")
      assert.strictEqual(slack.tried.length, before)
      yield* world.pass("3 minutes")
      assert.isAbove(slack.taken.length, 0)
    })
  )

  scoped("that refuses a notice gets it no more, and the next ones", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      slack.behaviour = "refuses"
      const world = yield* makeNoticeWorld([slack])
      const life = yield* world.start
      yield* reviewJobs(life, world, ["digest"])
      slack.behaviour = "takes"
      yield* reviewJobs(life, world, ["digest"])
      yield* world.pass("1 hour")
      assert.deepStrictEqual([slack.tried.length, slack.taken.length], [2, 1])
      const [failed] = yield* life.notices.list({ states: ["failed"] })
      assert.strictEqual(failed?.reason, "too long")
    })
  )

  scoped("that competes with jobs is used while none runs, but for what is critical", () =>
    Effect.gen(function* () {
      const openclaw = new FakeChannel("openclaw", { isHeavy: true })
      const world = yield* makeNoticeWorld([openclaw], { onMaxWait: "run", maxWait: 0 })
      const life = yield* world.start
      yield* reviewJobs(life, world, ["first"])
      yield* life.openClaw.started("agent")
      yield* life.queue.submit({ job: "digest", trigger: "manual", maxWait: 0 })
      yield* world.pass("1 minute")
      assert.deepStrictEqual(openclaw.told, ["ReviewCompleted first"])
      yield* reviewJobs(life, world, [])
      world.state.review = () =>
        Effect.succeed(
          Reviewed.Completed({ report: { summary: "found", suggestions: [{ ...aSuggestion, severity: "critical" }] } })
        )
      yield* life.queue.submit({ job: "hot", trigger: "manual", maxWait: 0 })
      yield* world.pass("1 minute")
      assert.deepStrictEqual(openclaw.told, ["ReviewCompleted first", "ReviewCompleted hot"])
      yield* life.openClaw.finished("agent")
      yield* settle
      assert.deepStrictEqual(openclaw.told.at(-1), "ReviewCompleted digest")
    })
  )

  scoped("can be tried, and says what is wrong", () =>
    Effect.gen(function* () {
      const [slack, mail] = [new FakeChannel("slack"), new FakeChannel("mail")]
      mail.behaviour = "dies"
      const world = yield* makeNoticeWorld([slack, mail])
      const life = yield* world.start
      assert.deepStrictEqual(yield* life.notices.test(), [
        { channel: "slack", problem: null },
        { channel: "mail", problem: "it has broken off" }
      ])
      assert.deepStrictEqual(slack.told, ["Trial"])
      assert.deepStrictEqual(yield* life.notices.list(), [], "nothing is kept of it")
      assert.deepStrictEqual(yield* life.notices.channels, [
        { name: "slack", type: "app", pending: 0, trouble: null },
        { name: "mail", type: "app", pending: 0, trouble: null }
      ])
    })
  )
})

describe("a store that fails", () => {
  scoped("is told of from memory, once, and written down when it recovers", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const mail = new FakeChannel("mail")
      mail.behaviour = "fails"
      const world = yield* makeNoticeWorld([slack, mail])
      const life = yield* world.start
      world.disk.fail("Full")
      yield* Effect.ignore(life.queue.submit({ job: "digest", trigger: "manual" }))
      yield* settle
      for (let again = 0; again < 5; again++) {
        yield* world.pass("1 minute")
        yield* Effect.ignore(life.queue.submit({ job: "digest", trigger: "manual" }))
      }
      assert.deepStrictEqual(slack.told, ["StoreFailing"])
      assert.strictEqual(slack.taken[0]?.severity, "critical")
      assert.deepStrictEqual(yield* life.notices.list(), [])
      world.disk.repair()
      mail.behaviour = "takes"
      yield* world.pass("2 minutes")
      yield* life.queue.submit({ job: "digest", trigger: "manual" })
      for (let again = 0; again < 20; again++) yield* world.pass("1 minute")
      assert.include(slack.told, "StoreRecovered")
      assert.deepStrictEqual(mail.told, ["StoreFailing", "ReviewCompleted digest", "StoreRecovered"])
      const kept = yield* life.notices.list({ states: ["sent"] })
      assert.strictEqual(kept.filter(({ notice }) => notice.kind === "StoreFailing").length, 2)
    })
  )
})

describe("the set-up", () => {
  scoped("that holds the gate up for long is told of once, with who it is, and again after a review", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack], { notify: { gateHeldFor: "1 hour" } })
      const life = yield* world.start
      yield* life.openClaw.started("agent")
      yield* world.pass("3 hours")
      assert.deepStrictEqual(slack.told, [], "nobody has waited")
      yield* life.queue.submit({ job: "digest", trigger: "schedule" })
      yield* world.pass("30 minutes")
      assert.deepStrictEqual(slack.told, [])
      for (let hours = 0; hours < 5; hours++) yield* world.pass("1 hour")
      assert.deepStrictEqual(slack.told, ["GateHeld"])
      assert.strictEqual(slack.taken[0]?.title, 'Nothing was reviewed for 1h: "agent" runs')
      yield* life.openClaw.finished("agent")
      yield* settle
      assert.deepStrictEqual(slack.told, ["GateHeld", "ReviewCompleted digest"])
      yield* life.openClaw.started("agent")
      yield* life.queue.submit({ job: "digest", trigger: "manual" })
      for (let hours = 0; hours < 3; hours++) yield* world.pass("1 hour")
      assert.strictEqual(slack.told.at(-1), "GateHeld")
      assert.strictEqual(slack.taken.length, 3)
    })
  )

  scoped("has a source that is unknown for long told once, until it is known again", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack])
      const life = yield* world.start
      const source = yield* life.openClaw.source("gateway")
      yield* world.pass("9 minutes")
      yield* source.unknown("it does not answer")
      yield* world.pass("2 minutes")
      yield* source.unknown("it still does not")
      yield* world.pass("2 hours")
      assert.deepStrictEqual(slack.told, ["SourceUnknown"])
      yield* source.replace([])
      yield* settle
      yield* source.unknown("it is gone")
      yield* settle
      yield* world.pass("11 minutes")
      assert.deepStrictEqual(slack.told, ["SourceUnknown", "SourceUnknown"])
      assert.strictEqual(slack.taken[1]?.cause, "it is gone")
    })
  )

  scoped("has a wrong policy told once, until it is another one", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack])
      let life = yield* world.start
      const wrong = (key: string) =>
        Effect.gen(function* () {
          yield* life.registry.add({ id: "digest", policy: { [key]: "never" } as HealingPolicyInput })
          yield* life.scheduler.refresh
          yield* settle
        })
      yield* wrong("schedle")
      yield* life.stop
      life = yield* world.start
      yield* wrong("schedle")
      assert.deepStrictEqual(slack.told, ["PolicyWrong digest"])
      assert.include(slack.taken[0]?.cause, "did you mean schedule?")
      yield* wrong("cooldwn")
      assert.deepStrictEqual(slack.told, ["PolicyWrong digest", "PolicyWrong digest"])
      yield* life.registry.add({ id: "digest" })
      yield* life.scheduler.refresh
      yield* settle
      yield* wrong("cooldwn")
      assert.strictEqual(slack.told.length, 3)
    })
  )
})

describe("a job that is always up", () => {
  scoped("has recovered when it has stayed up", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack], { suggestions: { upFor: "10 minutes" } })
      const life = yield* world.start
      yield* life.registry.add({ id: "api", alwaysUp: true })
      const crash = Effect.gen(function* () {
        const run = yield* life.registry.started("api")
        yield* settle
        yield* world.pass("1 minute")
        yield* life.registry.ended("api", run, failing("Error: disk full"))
        yield* settle
      })
      for (let again = 0; again < 20; again++) yield* crash
      yield* life.registry.started("api")
      yield* settle
      yield* world.pass("9 minutes")
      assert.deepStrictEqual(slack.told, ["JobFailing api", "ReviewCompleted api"])
      yield* world.pass("2 minutes")
      assert.strictEqual(slack.told.at(-1), "JobRecovered api")
      yield* crash
      assert.strictEqual(slack.told.at(-1), "JobFailing api")
    })
  )
})

describe("a suggestion", () => {
  scoped("is told of when it is about to expire, and when something has come of it", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack], { notify: { maxPerHour: 1 } })
      const life = yield* world.start
      yield* reviewJobs(life, world, ["digest", "mail"])
      const [mail, digest] = yield* life.suggestions.list()
      if (mail === undefined || digest === undefined) return
      const preview = yield* life.suggestions.preview(digest.id)
      yield* life.suggestions.approve(digest.id, { seal: String(preview.seal), who: "anna" })
      yield* settle
      // Changes are told however much there is to tell. One that changes no file is done by hand.
      assert.deepStrictEqual(slack.told, ["ReviewCompleted digest", "SuggestionApplied digest"])
      yield* world.pass("8 days")
      assert.strictEqual(slack.told.at(-1), "SuggestionInconclusive digest")
      yield* world.pass("5 days")
      yield* world.pass("2 hours")
      assert.include(slack.told, "SuggestionExpires mail")
      assert.strictEqual(slack.taken.filter(({ kind }) => kind === "SuggestionExpires").length, 1)
    })
  )
})

it("what a rule applies and what has relapsed is critical, and each step is told as it should be", () => {
  const one = {
    id: "suggestion:digest:1.1",
    job: "digest",
    request: 1,
    position: 1,
    suggestion: { ...aSuggestion, targetFile: "/srv/digest.js" },
    signatures: ["cause.files"],
    state: "applied",
    reason: "why"
  } as unknown as HealingSuggestion
  const draft = (from: string | null, to: string, door = "code") =>
    OfSuggestion.draftOf({ number: 1, at: 5, request: 1, position: 1, from, to, door }, one)
  assert.deepStrictEqual(
    [
      draft("applying", "applied"),
      draft("applying", "applied", "rule"),
      draft("applied", "relapsed", "watch"),
      draft("applied", "confirmed", "watch"),
      draft("applied", "rolled_back"),
      draft("applying", "failed"),
      draft("pending", "pending", "clock"),
      draft("approved", "pending"),
      draft(null, "pending", "review"),
      draft("pending", "approved"),
      draft("pending", "rejected"),
      draft("pending", "expired", "clock"),
      draft("pending", "superseded", "review")
    ].map((found) => found && [found.kind, found.severity, found.isExempt, found.cause]),
    [
      ["SuggestionApplied", "low", true, "why"],
      ["SuggestionApplied", "critical", true, "why"],
      ["SuggestionRelapsed", "critical", true, undefined],
      ["SuggestionConfirmed", "low", true, undefined],
      ["SuggestionRolledBack", "low", true, undefined],
      ["SuggestionFailed", "low", true, undefined],
      ["SuggestionExpires", "low", false, undefined],
      ["SuggestionWaits", "low", false, undefined],
      undefined,
      undefined,
      undefined,
      undefined,
      undefined
    ]
  )
})

scoped("nothing secret is left in a notice, a log or a row", () =>
  Effect.gen(function* () {
    const secret = "sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"
    const slack = new FakeChannel("slack")
    slack.behaviour = "dies"
    const world = yield* makeNoticeWorld([slack])
    const life = yield* world.start
    yield* life.registry.add({ id: "digest" })
    world.state.review = () =>
      Effect.succeed(
        Reviewed.Completed({
          report: {
            summary: `the key ${secret} is refused`,
            rootCause: `${"x".repeat(390)} password=hunter2hunter2 ${secret}`,
            suggestions: [{ ...aSuggestion, title: `Replace ${secret}` }]
          }
        })
      )
    yield* runJob(life, "digest", failing(`Error: 401 for ${secret}`))
    yield* world.pass("1 minute")
    slack.behaviour = "takes"
    for (let again = 0; again < 10; again++) yield* world.pass("5 minutes")
    const rows = yield* world.sql`SELECT * FROM healing_notices`
    const all = JSON.stringify([slack.tried, rows, world.logged])
    assert.strictEqual(slack.taken.length, 2)
    for (const part of ["sk-ant", "hunter2", "hooks.example.com"]) assert.notInclude(all, part)
  })
)

scoped("what happened before there was a channel is not told later", () =>
  Effect.gen(function* () {
    const slack = new FakeChannel("slack")
    const world = yield* makeNoticeWorld([])
    const before = yield* world.start
    yield* reviewJobs(before, world, ["digest"])
    assert.deepStrictEqual(yield* before.store.notices.facts(10), [], "the outbox does not grow")
    assert.strictEqual(slack.taken.length, 0)
    const error = yield* Effect.flip(before.notices.test())
    assert.include(error.message, "there is no channel")
  })
)

describe("the digest", () => {
  scoped("counts for each job what has happened since the last one, across restarts, and is told once", () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack", { takes: ({ kind }) => kind === "Digest" })
      const digest = { frequency: "daily", time: "09:00", timeZone: "UTC" } as const
      const world = yield* makeNoticeWorld([slack], { notify: { digest } })
      const begin = Effect.tap(world.start, ({ registry }) =>
        Effect.forEach(["digest", "mail"], (id) => registry.add({ id }))
      )
      let life = yield* begin
      yield* world.pass("1 minute")
      world.state.review = () =>
        Effect.succeed(Reviewed.Completed({ report: { summary: "found", suggestions: [aSuggestion], costUsd: 0.25 } }))
      yield* runJob(life, "digest")
      yield* runJob(life, "mail")
      yield* runJob(life, "mail", failing("Error: disk full"))
      yield* runJob(life, "mail", failing("Error: disk full"))
      yield* life.stop
      life = yield* begin
      yield* runJob(life, "digest")
      yield* world.pass("10 hours")
      yield* world.pass("2 minutes")
      const [first] = slack.taken
      assert.strictEqual(first?.title, "From 2026-01-01 to 2026-01-01: 5 runs, 2 failures, 1 review")
      assert.deepStrictEqual(first?.details, [
        "mail: 3 runs, 2 failures, 1 review ($0.25), suggestions: 1 open",
        "digest: 2 runs, 0 failures"
      ])
      assert.deepStrictEqual([first?.costUsd, first?.todo], [0.25, "Decide on 1 suggestion"])
      // The process is away when the next one is due.
      yield* runJob(life, "digest")
      yield* life.stop
      yield* world.pass("2 days")
      life = yield* begin
      yield* world.pass("2 minutes")
      assert.deepStrictEqual(slack.taken[1]?.details, [
        "digest: 1 run, 0 failures",
        "mail: 0 runs, 0 failures, suggestions: 1 open"
      ])
      yield* world.pass("1 hour")
      assert.strictEqual(slack.taken.length, 2)
    })
  )
})

scoped(
  "a hundred failures of one job are told one by one, and the others together; what was asked for by hand always",
  () =>
    Effect.gen(function* () {
      const slack = new FakeChannel("slack")
      const world = yield* makeNoticeWorld([slack], { notify: { maxPerHour: 1000 } })
      const life = yield* world.start
      yield* life.registry.add({ id: "digest", policy: { enabled: false } })
      for (let error = 0; error < 105; error++) {
        yield* runJob(
          life,
          "digest",
          failing(`TypeError: ${String.fromCharCode(97 + (error % 26))}${"x".repeat(error)} is no function`)
        )
      }
      assert.strictEqual(slack.told.filter((told) => told === "JobFailing digest").length, 101)
      yield* reviewJobs(life, world, Array(105).fill("digest"))
      assert.strictEqual(slack.told.filter((told) => told === "ReviewCompleted digest").length, 105)
    })
)
