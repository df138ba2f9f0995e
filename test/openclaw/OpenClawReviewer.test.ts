import { existsSync } from "node:fs"
import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope, TestClock } from "effect"
import { type Report, Reviewed } from "effect-healing"
import { nothing } from "../support/gatherEvidence.js"
import { isFull } from "../support/property.js"
import { aSuggestion } from "../support/storeSamples.js"
import { answer, aSecret, failureOf, makeReviewWorld, suggestion, wanted } from "./reviewWorld.js"

/** In `npm test`, others of the same kind stand for these. */
const inFull = <E>(name: string, test: () => Effect.Effect<unknown, E, NodeContext.NodeContext | Scope.Scope>) =>
  it.scopedLive.runIf(isFull)(name, () => Effect.provide(test(), NodeContext.layer))

const scoped = <E>(name: string, test: () => Effect.Effect<unknown, E, NodeContext.NodeContext | Scope.Scope>) =>
  it.scopedLive(name, () => Effect.provide(test(), NodeContext.layer))

/** The time is the test's, the processes are real. */
const steered = <E>(name: string, test: () => Effect.Effect<unknown, E, NodeContext.NodeContext | Scope.Scope>) =>
  it.scoped(name, () => Effect.provide(test(), NodeContext.layer))

const emptyReport: Report = { summary: "" }

const completed = (reviewed: Reviewed): Report => {
  assert.strictEqual(reviewed._tag, "Completed")
  return reviewed._tag === "Completed" ? reviewed.report : emptyReport
}

describe.concurrent("a review", () => {
  scoped("is a question to OpenClaw, and its answer", () =>
    Effect.gen(function* () {
      const { fake, review } = yield* makeReviewWorld({ turns: [{ text: answer({ suggestions: [suggestion()] }) }] })
      const { evidence, ...report } = completed(yield* review(wanted()))
      // What was asked holds all of it.
      const [call] = yield* fake.turnCalls
      for (const { characters, title } of evidence ?? []) {
        assert.isAtLeast((call?.prompt ?? "").split(title)[1]?.length ?? 0, characters, title)
      }
      assert.includeMembers(
        (evidence ?? []).map(({ title }) => title),
        ["Job", "Command line", "Runs, the newest first"]
      )
      assert.deepStrictEqual(report, {
        summary: "The disk was full.",
        rootCause: "Logs are never removed.",
        suggestions: [aSuggestion],
        model: "mock/mock-1",
        tokens: { input: 111, output: 7, cacheRead: 0, cacheWrite: 0, total: 118 },
        costUsd: 0.000125
      })
      assert.lengthOf(yield* fake.turnCalls, 1)
    })
  )

  scoped("D22: gets a prompt longer than an argument may be, without what jobs have in their environment", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const files = [1, 2, 3, 4, 5].map((n) => ({ path: `${folder}/${n}`, role: "script" as const }))
      yield* Effect.forEach(files, ({ path }) => fs.writeFileString(path, "do this; ".repeat(3000)))
      const logs = [1, 2, 3, 4].map((n) => ({ name: `${n}`, text: "so it went\n".repeat(5000) }))
      // An adapter that says more than it is asked for.
      const evidence = { ...nothing, files, logs, env: { COLOUR: "ultramarine" } }
      const { fake, review } = yield* makeReviewWorld({
        evidence: () => Effect.succeed(evidence),
        turns: [{ text: answer() }]
      })
      completed(yield* review(wanted()))
      const prompt = (yield* fake.turnCalls)[0]?.prompt ?? ""
      assert.isTrue(prompt.length > 128 * 1024 && prompt.length <= 200_000, `${prompt.length}`)
      assert.notInclude(prompt, "ultramarine")
      assert.notInclude(prompt, String(process.env.PATH))
    })
  )

  scoped("D10: reads an answer in a fence without a tag", () =>
    Effect.gen(function* () {
      const text = `\`\`\`\n${answer({ suggestions: [suggestion()] })}\n\`\`\``
      const { fake, review } = yield* makeReviewWorld({ turns: [{ text }] })
      assert.lengthOf(completed(yield* review(wanted())).suggestions ?? [], 1)
      assert.lengthOf(yield* fake.turnCalls, 1)
    })
  )
})

describe.concurrent("a job that the supervisor does not have", () => {
  steered("is waited for, for a day, and skipped then; who has just asked for it is told at once", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(600_000)
      const { fake, review } = yield* makeReviewWorld({ jobs: Effect.succeed([]) })
      const skipped = Reviewed.Skipped({ reason: "the supervisor has no job named digest" })
      assert.deepStrictEqual(yield* review(wanted("manual", { submittedAt: 600_000 })), skipped)
      for (const request of [
        wanted("failure", { id: "1", submittedAt: 600_000 }),
        wanted("failure", { id: "2", submittedAt: 1 }),
        wanted("manual", { id: "3", submittedAt: 599_999 })
      ]) {
        const { reason, retry } = yield* Effect.flip(review(request))
        assert.deepStrictEqual([reason, retry._tag], ["the supervisor has no job named digest", "NotYet"])
        yield* TestClock.adjust("23 hours")
        assert.strictEqual((yield* Effect.flip(review(request))).retry._tag, "NotYet")
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* review(request), skipped)
      }
      assert.deepStrictEqual(yield* fake.turnCalls, [])
    })
  )
})

describe.concurrent("an answer that is no report", () => {
  scoped("is asked for once more, with what was wrong, and both are paid for", () =>
    Effect.gen(function* () {
      const wrong = answer({ summary: `mistaken, ${aSecret}`, suggestions: [suggestion({ category: "misc" })] })
      const { fake, review } = yield* makeReviewWorld({ turns: [{ text: wrong }, { text: answer() }] })
      const report = completed(yield* review(wanted()))
      assert.deepInclude(report, {
        summary: "The disk was full.",
        tokens: { input: 222, output: 14, cacheRead: 0, cacheWrite: 0, total: 236 },
        costUsd: 0.00025
      })
      const [first, second, third] = yield* fake.turnCalls
      assert.isUndefined(third)
      const prompt = second?.prompt ?? ""
      assert.isTrue(prompt.startsWith(first?.prompt ?? "-"), "it knows nothing of the first")
      const again = prompt.slice(first?.prompt?.length)
      for (const part of ["suggestions.0.category", '"misc"', "mistaken, [secret]"]) assert.include(again, part)
      assert.notInclude(again, aSecret)
      assert.strictEqual((yield* fake.calls).filter(({ kind }) => kind === "help").length, 1)
    })
  )

  scoped("fails the second time, with an excerpt", () =>
    Effect.gen(function* () {
      const text = `No idea, but ${aSecret}. ${"x ".repeat(1000)}`
      const world = yield* makeReviewWorld({ turns: [{ text: "{}" }, { text }, { text: answer() }] })
      const { cause, retry } = yield* failureOf(world)
      assert.strictEqual(cause._tag, "MalformedReport")
      if (cause._tag !== "MalformedReport") return
      assert.deepStrictEqual(cause.issues, ["there is no complete JSON object in it"])
      assert.match(cause.excerpt, /^No idea, but \[secret\]/)
      assert.deepStrictEqual([cause.excerpt.length, retry._tag], [500, "Backoff"])
      assert.lengthOf(yield* world.fake.turnCalls, 2)
    })
  )

  inFull("is bounded in the second question, however long it is", () =>
    Effect.gen(function* () {
      const { fake, review } = yield* makeReviewWorld({
        turns: [{ mode: "huge", bytes: 1_500_000 }, { text: answer() }]
      })
      completed(yield* review(wanted()))
      const [first, second] = yield* fake.turnCalls
      assert.isBelow(Number(second?.prompt?.length), Number(first?.prompt?.length) + 9000)
      assert.include(second?.prompt, "of which the end is left out here")
    })
  )

  scoped("may have no envelope, and is one nevertheless", () =>
    Effect.gen(function* () {
      const { review } = yield* makeReviewWorld({ turns: [{ mode: "notJson", text: answer() }] })
      assert.strictEqual(completed(yield* review(wanted())).summary, "The disk was full.")
    })
  )

  const noise = { text: answer({ suggestions: [suggestion()] }) }
  for (const turn of [{ mode: "noise" }, { mode: "hugeStderr" }, { mode: "invalidUtf8" }] as const) {
    inFull(`is none of these: ${turn.mode}`, () =>
      Effect.gen(function* () {
        const { fake, review } = yield* makeReviewWorld({ turns: [{ ...turn, ...noise }] })
        assert.lengthOf(completed(yield* review(wanted())).suggestions ?? [], 1)
        assert.lengthOf(yield* fake.turnCalls, 1)
      })
    )
  }
})

describe.concurrent("a review has its time", () => {
  const isOver = { settings: { reviewTimeout: "60 seconds" } } as const

  steered("and is stopped at its end, with all that it has started", () =>
    Effect.gen(function* () {
      const { fake, review } = yield* makeReviewWorld({ ...isOver, turns: [{ mode: "fork" }] })
      const fiber = yield* Effect.fork(Effect.flip(review(wanted())))
      const call = yield* fake.ready(1)
      const seconds = Number(call.argv[call.argv.indexOf("--timeout") + 1])
      assert.isTrue(seconds > 0 && seconds <= 55, `${seconds}`)
      yield* TestClock.adjust("54 seconds")
      assert.lengthOf(yield* fake.alive, 4)
      assert.isTrue((yield* Fiber.poll(fiber))._tag === "None")
      yield* TestClock.adjust("1 seconds")
      const { cause, retry } = yield* Fiber.join(fiber)
      assert.deepInclude(cause, { _tag: "OpenClawTimedOut", detail: "none within 55s" })
      assert.strictEqual(retry._tag, "Backoff")
      assert.deepStrictEqual(yield* fake.alive, [])
      assert.isFalse(existsSync(String(call.env.TMPDIR)))
    })
  )

  steered("in which the second question has its part", () =>
    Effect.gen(function* () {
      const { fake, review } = yield* makeReviewWorld({ ...isOver, turns: [{ text: "{}" }, { mode: "hang" }] })
      const fiber = yield* Effect.fork(Effect.flip(review(wanted())))
      yield* fake.ready(2)
      yield* TestClock.adjust("55 seconds")
      assert.deepInclude((yield* Fiber.join(fiber)).cause, { _tag: "OpenClawTimedOut" })
      assert.deepStrictEqual(yield* fake.alive, [])
    })
  )

  scoped("which may be short, or without an end", () =>
    Effect.gen(function* () {
      const short = yield* makeReviewWorld({ settings: { reviewTimeout: "1 second" }, turns: [{ mode: "ignoreTerm" }] })
      assert.strictEqual((yield* failureOf(short)).cause._tag, "OpenClawTimedOut")
      const endless = yield* makeReviewWorld({ settings: { reviewTimeout: Number.POSITIVE_INFINITY } })
      completed(yield* endless.review(wanted()))
      assert.include((yield* endless.fake.turnCalls)[0]?.argv.join(" "), "--timeout 86400")
    })
  )

  scoped("unless it is interrupted, which ends all that it has started", () =>
    Effect.gen(function* () {
      const { fake, review } = yield* makeReviewWorld({ turns: [{ mode: "fork" }] })
      const fiber = yield* Effect.fork(review(wanted()))
      const call = yield* fake.ready(1)
      assert.lengthOf(yield* fake.alive, 4)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* fake.alive, [])
      assert.isFalse(existsSync(String(call.env.TMPDIR)))
    })
  )
})
