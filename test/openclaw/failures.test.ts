import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, Clock, Effect, type Scope } from "effect"
import { type ReviewError, SupervisorError } from "effect-healing"
import { type OpenClawError, OpenClawFailed } from "effect-healing/openclaw"
import { isFull } from "../support/property.js"
import type { Turn } from "./makeFake.js"
import { answer, aSecret, failureOf, makeReviewWorld } from "./reviewWorld.js"

const scoped = <E>(name: string, test: () => Effect.Effect<unknown, E, NodeContext.NodeContext | Scope.Scope>) =>
  it.scopedLive(name, () => Effect.provide(test(), NodeContext.layer))

describe.concurrent("D9: what goes wrong is never a report without suggestions", () => {
  const inTheFuture = "⚠️ Rate limit reached for mock-1; Retry-After: 3600 seconds"
  const secretly = `It said ${aSecret}, and ${"x ".repeat(1000)}`
  const cases: ReadonlyArray<
    readonly [turn: Turn, tag: OpenClawError["_tag"], retry: ReviewError["retry"]["_tag"], has?: object]
  > = [
    [{ mode: "error", message: secretly, stderr: secretly }, "OpenClawFailed", "Backoff", { exitCode: 1 }],
    [{ mode: "timeout" }, "OpenClawTimedOut", "Backoff"],
    [{ mode: "rateLimit", retryAfter: 3600 }, "OpenClawRateLimited", "RateLimited"],
    [{ mode: "rateLimit", retryAfter: 5 }, "OpenClawRateLimited", "RateLimited", { until: undefined }],
    [{ mode: "error", message: inTheFuture }, "OpenClawRateLimited", "RateLimited"],
    [{ mode: "garbage" }, "MalformedReport", "Backoff"],
    [{ mode: "huge" }, "OpenClawFailed", "Backoff", { exitCode: null }],
    [{ mode: "invalidUtf8" }, "MalformedReport", "Backoff"],
    [{ mode: "half", text: answer() }, "MalformedReport", "Backoff"],
    [{ mode: "nothing" }, "MalformedReport", "Backoff"],
    [{ mode: "nothing", exit: 3 }, "OpenClawFailed", "Backoff", { exitCode: 3 }],
    [{ mode: "half", text: answer(), exit: 1 }, "OpenClawFailed", "Backoff", { exitCode: 1 }],
    [{ mode: "crash", exit: 7 }, "OpenClawFailed", "Backoff", { exitCode: 7 }],
    [{ mode: "crash", signal: "SIGSEGV" }, "OpenClawFailed", "Backoff", { exitCode: 139 }],
    [{ mode: "notJson" }, "MalformedReport", "Backoff"],
    [{ mode: "noise" }, "MalformedReport", "Backoff"],
    [{ text: "{}" }, "MalformedReport", "Backoff"]
  ]

  // In `npm test`, every fourth one.
  const tried = isFull ? cases : cases.filter((_, index) => index % 4 === 0)
  Arr.chunksOf(tried, 3).forEach((some) => {
    scoped(`but an error that says whether to try again: ${some.map(([{ mode = "answer" }]) => mode)}`, () =>
      Effect.gen(function* () {
        const world = yield* makeReviewWorld()
        for (const [turn, tag, retry, has = {}] of some) {
          yield* world.fake.setTurns([turn])
          const before = yield* Clock.currentTimeMillis
          const failure = yield* failureOf(world)
          const name = JSON.stringify(turn).slice(0, 100)
          assert.deepStrictEqual([failure.cause._tag, failure.retry._tag], [tag, retry], `${name}: ${failure.reason}`)
          assert.deepInclude({ ...failure.cause, until: undefined }, has, name)
          const { until } = { until: undefined, ...failure.retry }
          assert.deepStrictEqual("until" in failure.cause ? failure.cause.until : undefined, until)
          const isNamed = JSON.stringify(turn).includes("3600")
          assert.strictEqual(until !== undefined, isNamed, name)
          if (until !== undefined) assert.isAtLeast(until, before + 3_600_000)
          const { detail, stderr } = { detail: "", stderr: "", ...failure.cause }
          assert.isTrue(detail.length <= 500 && stderr.length <= 2000, name)
        }
      })
    )
  })

  scoped("nor is it where there is no CLI, or too old a one", () =>
    Effect.gen(function* () {
      const none = yield* failureOf(yield* makeReviewWorld({ options: { command: "/nowhere/openclaw" } }))
      assert.deepStrictEqual([none.cause._tag, none.retry._tag], ["OpenClawNotFound", "Never"])
      const old = yield* failureOf(yield* makeReviewWorld({ generation: "message-file" }))
      assert.deepStrictEqual([old.cause._tag, old.retry._tag], ["OpenClawTooOld", "Never"])
    })
  )

  scoped("nor is it where there is no evidence", () =>
    Effect.gen(function* () {
      const detail = `it does not answer ${aSecret} ${"x ".repeat(1000)}`
      const world = yield* makeReviewWorld({ evidence: () => Effect.fail(new SupervisorError({ detail })) })
      const { cause, retry } = yield* failureOf(world)
      assert.deepStrictEqual([cause._tag, retry._tag], ["EvidenceUnavailable", "Backoff"])
      assert.isTrue("detail" in cause && cause.detail.length === 500)
      assert.deepStrictEqual(yield* world.fake.calls, [])
    })
  )

  scoped("nor is it where the supervisor never answers", () =>
    Effect.gen(function* () {
      const world = yield* makeReviewWorld({ evidence: () => Effect.never, settings: { reviewTimeout: "200 millis" } })
      const { cause, retry } = yield* failureOf(world)
      assert.deepStrictEqual([cause._tag, retry._tag], ["EvidenceUnavailable", "Backoff"])
      assert.deepStrictEqual(yield* world.fake.calls, [])
    })
  )

  scoped("nor is it where nobody knows which model would answer, and with what tools", () =>
    Effect.gen(function* () {
      for (const model of [undefined, "one"]) {
        const world = yield* makeReviewWorld({ options: { model } })
        const { cause, retry } = yield* failureOf(world)
        assert.deepStrictEqual([cause._tag, retry._tag], ["OpenClawUnrestricted", "Never"])
        assert.deepStrictEqual(yield* world.fake.turnCalls, [])
      }
    })
  )

  scoped("nor is it by a model that there is not, which fails for good with one sentence", () =>
    Effect.gen(function* () {
      for (const message of [
        "Unknown model: mock/mock-9.\nMore of it.",
        "The selected model was not found by the provider. Check the model id or choose a different model.",
        "404 The model `mock-9` does not exist or you do not have access to it.",
        "⚠️ The configured model is unavailable from the provider — it may have been renamed, retired, or is not offered."
      ]) {
        const world = yield* makeReviewWorld({ turns: [{ mode: "error", message }] })
        const { cause, reason, retry } = yield* failureOf(world)
        assert.deepStrictEqual([cause._tag, retry._tag], ["OpenClawModelUnknown", "Never"])
        assert.match(reason, /^OpenClaw has no such model \(.*\): name one/)
        assert.notInclude(reason, "\n")
      }
      const other = yield* makeReviewWorld({ turns: [{ mode: "error", message: "model run failed: file not found" }] })
      assert.strictEqual((yield* failureOf(other)).cause._tag, "OpenClawFailed")
    })
  )

  scoped("and tells its exit code and the end of its diagnostics", () =>
    Effect.gen(function* () {
      const stderr = [..."abc".repeat(1000)].map((letter) => `line ${letter}`)
      const world = yield* makeReviewWorld({
        turns: [{ mode: "error", message: `No ${aSecret}`, stderr: [...stderr, aSecret] }]
      })
      const { cause } = yield* failureOf(world)
      assert.instanceOf(cause, OpenClawFailed)
      if (cause._tag !== "OpenClawFailed") return
      assert.deepStrictEqual([cause.exitCode, cause.detail, cause.stderr.length], [1, "No [secret]", 2000])
      assert.match(cause.stderr, /line c\n\[secret\]\n.*\nNo \[secret\]$/s)
    })
  )
})
