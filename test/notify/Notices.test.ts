/** What people are told of, and what they are not. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ReviewError, Reviewed } from "effect-healing"
import { FakeChannel, failing, makeNoticeWorld, runJob } from "../support/noticeWorld.js"
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
      for (let run = 0; run < (isFull ? 10_000 : 200); run++) {
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
