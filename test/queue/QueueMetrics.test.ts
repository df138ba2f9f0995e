/** What the durable queue measures. */
import { assert, it } from "@effect/vitest"
import { Clock, Effect, Logger, Metric, MetricState, TestClock } from "effect"
import { Reviewed } from "effect-healing"
import { settle } from "../support/gateWorld.js"
import { failure, makeQueueWorld } from "../support/queueWorld.js"

/** The metrics of this queue, by their names and other tags. */
const metricsOf = (queue: string) =>
  Effect.map(Metric.snapshot, (pairs) =>
    Object.fromEntries(
      pairs.flatMap(({ metricKey, metricState }) => {
        const tags = metricKey.tags.filter(({ key }) => key !== "queue")
        if (tags.length === metricKey.tags.length || !metricKey.tags.some(({ value }) => value === queue)) return []
        const name = [metricKey.name, ...tags.map(({ key, value }) => `${key}=${value}`).sort()].join(" ")
        const value = MetricState.isGaugeState(metricState)
          ? metricState.value
          : MetricState.isCounterState(metricState) || MetricState.isHistogramState(metricState)
            ? metricState.count
            : undefined
        return [[name, value] as const]
      })
    )
  )

it.scoped("tells what ended, what it cost, what held it and how the store did", () =>
  Effect.gen(function* () {
    const queue = "measured"
    const { disk, end, start } = yield* makeQueueWorld({ queue, maxAttempts: 1 })
    const life = yield* start
    yield* life.openClaw.started("a job")
    yield* TestClock.adjust("20 seconds")
    const at = yield* Clock.currentTimeMillis
    // Whoever watches a counter sees no increase where there was no value before.
    assert.deepInclude(yield* metricsOf(queue), {
      "healing_ended state=completed trigger=manual": 0,
      "healing_tokens kind=cache_write": 0,
      "healing_commit_errors reason=Full": 0,
      "healing_held_seconds by=rate_limit": 0,
      healing_cost_usd: 0,
      healing_set_aside: 0,
      healing_timeouts: 0,
      healing_yields: 0
    })
    yield* life.queue.submit({ job: "x" })
    yield* life.queue.submit({ job: "y", trigger: "failure" })
    yield* life.queue.submit({ job: "z", trigger: "of my own" })
    yield* settle
    assert.deepInclude(yield* metricsOf(queue), { healing_oldest_pending_timestamp_seconds: at / 1000 })
    yield* life.openClaw.finished("a job")
    yield* settle
    yield* end(
      "x",
      Reviewed.Completed({
        report: {
          summary: "fine",
          tokens: { input: 100, output: 20, cacheRead: 3, cacheWrite: 0, total: 123 },
          costUsd: 0.5
        }
      })
    )
    yield* end("y", failure("y", "Never"))
    yield* end("z", failure("z", "RateLimited", 120_000))
    yield* life.queue.cancel({ job: "z" })
    yield* TestClock.adjust("30 seconds")
    yield* life.queue.submit({ job: "w" })
    yield* settle
    const held = yield* metricsOf(queue)
    disk.fail("Full")
    yield* Effect.flip(life.queue.submit({ job: "v" }))
    assert.deepInclude(yield* metricsOf(queue), {
      "healing_ended state=completed trigger=manual": 1,
      "healing_ended state=failed trigger=failure": 1,
      "healing_ended state=cancelled trigger=other": 1,
      "healing_tokens kind=input": 100,
      "healing_tokens kind=output": 20,
      "healing_tokens kind=cache_read": 3,
      healing_cost_usd: 0.5,
      "healing_commit_errors reason=Full": 1,
      "healing_held_seconds by=rate_limit": 30
    })
    assert.isAtLeast(Number(held.healing_commit_seconds), 7)
    disk.repair()
  }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
)
