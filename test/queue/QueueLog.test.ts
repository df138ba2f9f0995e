/** What the queue says of itself: once each, with the place of its store. */
import { assert, it } from "@effect/vitest"
import { Clock, Effect, Logger, TestClock } from "effect"
import { settle } from "../support/gateWorld.js"
import { failure, makeQueueWorld, report } from "../support/queueWorld.js"

it.scoped("the log tells once why nothing happens, what a start has found and what an end interrupts", () => {
  const logged: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => void logged.push(`${logLevel.label} ${String(message)}`))
  /** What was said since the last time. */
  const said = Effect.zipRight(
    settle,
    Effect.sync(() => logged.splice(0))
  )
  return Effect.gen(function* () {
    const { disk, end, start } = yield* makeQueueWorld({ maxReviewsPerDay: 1, maxAttempts: 2 })
    const life = yield* start
    const submit = (job: string, trigger = "manual") => Effect.ignore(life.queue.submit({ job, trigger }))
    assert.deepStrictEqual(yield* said, [])

    disk.fail("Full")
    for (let i = 0; i < 3; i++) yield* Effect.zipRight(submit("x"), TestClock.adjust("5 seconds"))
    assert.deepStrictEqual(yield* said, [
      "ERROR No review begins, and no request is taken in, until this is mended: the disk is Full"
    ])
    disk.repair()
    yield* submit("x")
    assert.deepStrictEqual(yield* said, [
      "INFO the database of the SqlClient: what has happened is written again, and reviews go on"
    ])

    const at = yield* Clock.currentTimeMillis
    const after = (minutes: number) => new Date(at + 60_000 * minutes).toISOString()
    yield* end("x", failure("x", "RateLimited", at + 600_000))
    assert.deepStrictEqual(yield* said, [
      `WARN the database of the SqlClient: the provider limits the rate of requests, and reviews wait until ${after(10)}`
    ])
    yield* TestClock.adjust("10 minutes")
    yield* settle
    yield* end("x", report())
    yield* submit("y", "failure")
    yield* submit("z", "failure")
    yield* settle
    yield* end("y", report())
    const isFull = `WARN the database of the SqlClient: max_reviews_per_day (1) is reached: the next automatic review waits until ${after(10 + 24 * 60)}`
    assert.deepStrictEqual(yield* said, [isFull])

    yield* submit("v")
    yield* settle
    yield* life.stop
    assert.deepStrictEqual(yield* said, [
      'INFO the database of the SqlClient is closed: the review of "v" is interrupted; 1 request waits'
    ])
    const second = yield* start
    assert.deepStrictEqual((yield* said).sort(), [
      "INFO the database of the SqlClient: 2 requests wait from the last process",
      isFull
    ])
    yield* second.crash
    yield* said
    yield* start
    assert.deepStrictEqual((yield* said).sort(), [
      "WARN the database of the SqlClient: 1 review was cut off by the end of the last process; 2 requests wait",
      isFull
    ])
  }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
})
