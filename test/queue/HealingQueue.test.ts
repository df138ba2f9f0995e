import { assert, describe, it } from "@effect/vitest"
import {
  Array as Arr,
  Deferred,
  Duration,
  Effect,
  Fiber,
  Layer,
  Option,
  Random,
  Schedule,
  Stream,
  TestClock
} from "effect"
import {
  Healing,
  type HealingEvent,
  HealingQueue,
  HealingStore,
  Reviewed,
  Reviewer,
  type Submission
} from "effect-healing"
import { forScheduler } from "../../src/queue/ForScheduler.js"
import { settle } from "../support/gateWorld.js"
import { failure, healing, makeQueueWorld, report } from "../support/queueWorld.js"

const tagged = (events: ReadonlyArray<HealingEvent>, tag: HealingEvent["_tag"]) =>
  events.filter(({ _tag }) => _tag === tag)

const accepted = (submission: Submission) => {
  assert.strictEqual(submission._tag, "Accepted")
  return submission._tag === "Accepted" ? submission : { id: "", notBefore: null }
}

const minutes = (count: number) => Duration.toMillis(Duration.minutes(count))

describe("a reviewer", () => {
  it.scopedLive("may be an object of a class", () =>
    Effect.gen(function* () {
      class Counting {
        #reviews = 0
        review() {
          return Effect.sync(() => Reviewed.Completed({ report: { summary: `review ${++this.#reviews}` } }))
        }
      }
      const ReviewerLive = Layer.sync(Reviewer, () => new Counting())
      const StoreLive = HealingStore.layerMemory
      const { report } = yield* HealingQueue.pipe(
        Effect.flatMap((queue) => queue.heal({ job: "x", trigger: "failure" })),
        Effect.provide(
          HealingQueue.layer.pipe(Layer.provide([ReviewerLive, StoreLive]), Layer.provideMerge(Healing.layer()))
        )
      )
      assert.strictEqual(report.summary, "review 1")
    })
  )
})

describe("submit", () => {
  it.scoped("is on disk when it returns, and reviewed in its turn", () =>
    Effect.gen(function* () {
      const { end, log, start, stored } = yield* makeQueueWorld()
      const { openClaw, queue } = yield* start
      yield* openClaw.started("A")
      assert.deepStrictEqual(yield* queue.submit({ job: "x", trigger: "failure", runId: "7", note: "look" }), {
        _tag: "Accepted",
        id: "healing:x:1",
        notBefore: null
      })
      assert.deepStrictEqual(yield* stored, ["x pending"])
      yield* settle
      assert.deepStrictEqual(log, [])
      yield* openClaw.finished("A")
      yield* settle
      assert.deepStrictEqual(yield* stored, ["x running"])
      yield* end("x", report("found it"))
      const [request] = yield* queue.history()
      assert.deepStrictEqual(request, {
        id: "healing:x:1",
        number: 1,
        job: "x",
        state: "completed",
        priority: -20,
        triggers: ["failure"],
        runId: "7",
        note: "look",
        callersOnly: false,
        submittedAt: 0,
        notBefore: null,
        waitUntil: null,
        attempts: 0,
        starts: [0],
        endedAt: 0,
        reason: null,
        coalescedInto: null,
        report: { summary: "found it" },
        cooldown: null,
        signatures: ["unknown"]
      })
      assert.deepStrictEqual(log, ["x begins", "x ends"])
    })
  )

  it.scoped("R13: acknowledges nothing before its commit", () =>
    Effect.gen(function* () {
      const { disk, start, stored } = yield* makeQueueWorld()
      const { queue } = yield* start
      const commit = yield* Effect.makeLatch(false)
      disk.before = commit.await
      const submitted = yield* Effect.fork(queue.submit({ job: "x" }))
      yield* settle
      assert.deepStrictEqual(yield* Fiber.poll(submitted), Option.none())
      assert.deepStrictEqual(yield* stored, [])
      yield* commit.open
      assert.strictEqual(accepted(yield* Fiber.join(submitted)).id, "healing:x:1")
      assert.deepStrictEqual(yield* stored, ["x pending"])
    })
  )

  it.scoped("R5: by priority, then in the order of arrival; by trigger unless it is given", () =>
    Effect.gen(function* () {
      const { end, log, start } = yield* makeQueueWorld()
      const { openClaw, queue } = yield* start
      yield* openClaw.started("A")
      yield* queue.submit({ job: "by schedule", trigger: "schedule" })
      yield* queue.submit({ job: "by failure", trigger: "failure" })
      yield* queue.submit({ job: "by breach", trigger: "sla_breach" })
      yield* queue.submit({ job: "by its own", trigger: "oom" })
      yield* queue.submit({ job: "by hand" })
      yield* queue.submit({ job: "urgent", trigger: "schedule", priority: -1 })
      const order = ["urgent", "by hand", "by failure", "by breach", "by its own", "by schedule"]
      assert.deepStrictEqual(
        (yield* queue.pending).map(({ job }) => job),
        order
      )
      yield* openClaw.finished("A")
      yield* settle
      for (const job of order) yield* end(job)
      assert.deepStrictEqual(
        log.filter((line) => line.endsWith("begins")),
        order.map((job) => `${job} begins`)
      )
    })
  )

  it.scoped("R14: a second wish for a job is added to the pending one", () =>
    Effect.gen(function* () {
      const { events, start } = yield* makeQueueWorld()
      const { openClaw, queue } = yield* start
      yield* openClaw.started("A")
      yield* queue.submit({ job: "x", trigger: "failure", runId: "1", note: "one", maxWait: "1 hour" })
      yield* queue.submit({ job: "x", trigger: "schedule", runId: "2", priority: -5 })
      assert.deepStrictEqual(yield* queue.submit({ job: "x", trigger: "failure", maxWait: "2 hours" }), {
        _tag: "Coalesced",
        id: "healing:x:1"
      })
      const pending = yield* queue.pending
      assert.strictEqual(pending.length, 1)
      const [request] = pending
      assert.deepInclude(request, { id: "healing:x:1", runId: "2", note: "one", priority: -5, waitUntil: null })
      assert.deepStrictEqual(request?.triggers, ["failure", "schedule"])
      yield* settle
      assert.strictEqual(tagged(events, "Coalesced").length, 2)
    })
  )

  it.scoped("R14: a wish for a job that is reviewed is one more request, and the only one", () =>
    Effect.gen(function* () {
      const { end, start, stored } = yield* makeQueueWorld({ cooldown: 0 })
      const { queue } = yield* start
      yield* queue.submit({ job: "x" })
      yield* settle
      assert.strictEqual(accepted(yield* queue.submit({ job: "x", runId: "2" })).id, "healing:x:2")
      yield* queue.submit({ job: "x", runId: "3" })
      assert.deepStrictEqual(yield* stored, ["x running", "x pending"])
      yield* end("x")
      assert.deepStrictEqual(yield* stored, ["x completed", "x running"])
    })
  )

  it.live("R14: is acknowledged at whatever instant the request before it gets its turn", () =>
    Effect.gen(function* () {
      const queue = yield* HealingQueue
      const submits = Effect.gen(function* () {
        const { id } = yield* queue.submit({ job: "x" })
        yield* Effect.repeatN(Effect.yieldNow(), yield* Random.nextIntBetween(0, 6))
        return id
      })
      const all = yield* Effect.all(
        Arr.makeBy(3, () => Effect.replicateEffect(submits, 300)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(all.flat().length, 900)
    }).pipe(
      Effect.provide(
        HealingQueue.layer.pipe(
          Layer.provide([
            HealingStore.layerMemory,
            Layer.succeed(Reviewer, { review: () => Effect.succeed(report()) })
          ]),
          Layer.provideMerge(Healing.layer({ settings: { quietPeriod: 0, cooldown: 0 } }))
        )
      ),
      Effect.withRandom(Random.make(1))
    )
  )

  it.scoped("is skipped when its max wait passes, in a pause too", () =>
    Effect.gen(function* () {
      const { log, start, stored } = yield* makeQueueWorld()
      const { queue } = yield* start
      yield* queue.pause
      yield* queue.submit({ job: "x", maxWait: "1 hour" })
      yield* TestClock.adjust("59 minutes")
      assert.deepStrictEqual(yield* stored, ["x pending"])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* stored, ["x skipped"])
      const [request] = yield* queue.history({ states: ["skipped"] })
      assert.include(request?.reason ?? "", "a pause of the queue")
      yield* queue.resume
      yield* settle
      assert.deepStrictEqual(log, [])
    })
  )

  it.scoped("refuses what does not fit, and says what would", () =>
    Effect.gen(function* () {
      const { start, stored } = yield* makeQueueWorld()
      const { queue } = yield* start
      const wish = { job: "", trigr: "failure", priority: 0, maxWait: -1, note: "n".repeat(1001), runId: "" }
      const invalid = yield* Effect.flip(queue.submit(wish))
      assert.strictEqual(invalid._tag, "HealingInvalid")
      assert.deepStrictEqual(invalid.message.split("\n").sort(), [
        "job: expected the name of a job, of 1 to 256 characters",
        'maxWait: expected a duration of zero or more, such as "5 minutes", or Duration.infinity',
        "note: expected a text of at most 1,000 characters",
        "priority: expected a number below 0, the priority of every job",
        "runId: expected the id of a run, of 1 to 256 characters",
        "trigr: is not known: did you mean trigger?"
      ])
      for (const limit of [0, 1001, 0.5]) {
        assert.include((yield* Effect.flip(queue.history({ limit }))).message, "limit: expected a whole number")
      }
      assert.strictEqual((yield* Effect.flip(queue.cancel({ job: "" })))._tag, "HealingInvalid")
      assert.deepStrictEqual(yield* stored, [])
    })
  )

  it.scoped("is refused above maxPending, unless it is added to another", () =>
    Effect.gen(function* () {
      const { start, stored } = yield* makeQueueWorld({ maxPending: 2 })
      const { openClaw, queue } = yield* start
      yield* openClaw.started("A")
      yield* queue.submit({ job: "x" })
      yield* queue.submit({ job: "y" })
      const full = yield* Effect.flip(queue.submit({ job: "z" }))
      assert.strictEqual(full._tag, "HealingQueueFull")
      assert.strictEqual((yield* queue.submit({ job: "y" }))._tag, "Coalesced")
      yield* queue.cancel({ job: "x" })
      assert.strictEqual(accepted(yield* queue.submit({ job: "z" })).id, "healing:z:3")
      assert.deepStrictEqual(yield* stored, ["x cancelled", "y pending", "z pending"])
    })
  )
})

describe("heal", () => {
  it.scoped("returns the review as it was stored", () =>
    Effect.gen(function* () {
      const { end, start } = yield* makeQueueWorld()
      const life = yield* start
      yield* life.openClaw.started("A")
      const caller = yield* healing(life, { job: "x", runId: "7", maxWait: "1 hour" })
      yield* TestClock.adjust("1 minute")
      yield* life.openClaw.finished("A")
      yield* settle
      yield* TestClock.adjust("1 minute")
      yield* end("x", report("found it"))
      assert.deepStrictEqual(yield* caller.review, {
        id: "healing:x:1",
        job: "x",
        runId: "7",
        startedAt: minutes(1),
        endedAt: minutes(2),
        attempts: 0,
        report: { summary: "found it" }
      })
    })
  )

  it.scoped("R6: a deadline is its caller's, and the request goes on for the others", () =>
    Effect.gen(function* () {
      const { end, start, stored } = yield* makeQueueWorld()
      const life = yield* start
      yield* life.openClaw.started("A")
      const short = yield* healing(life, { job: "x", maxWait: "1 minute" })
      const long = yield* healing(life, { job: "x", maxWait: "1 hour" })
      yield* TestClock.adjust("1 minute")
      const timeout = yield* short.error
      assert.strictEqual(timeout._tag, "HealingTimeout")
      assert.include(timeout.message, 'The healing of "x" had no turn in 1m')
      assert.include(timeout.message, "OpenClaw jobs running: A")
      assert.deepStrictEqual(yield* stored, ["x pending"])
      yield* life.openClaw.finished("A")
      yield* settle
      // No deadline ends a review.
      yield* TestClock.adjust("4 minutes")
      yield* end("x")
      assert.strictEqual((yield* long.review).id, "healing:x:1")
    })
  )

  it.scoped("R6: the request is skipped when the last deadline passes", () =>
    Effect.gen(function* () {
      const { start, stored } = yield* makeQueueWorld()
      const life = yield* start
      yield* life.openClaw.started("A")
      const one = yield* healing(life, { job: "x", maxWait: "1 minute" })
      const other = yield* healing(life, { job: "x", maxWait: "2 minutes" })
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual((yield* one.error)._tag, "HealingTimeout")
      assert.strictEqual((yield* other.error)._tag, "HealingTimeout")
      assert.deepStrictEqual(yield* stored, ["x skipped"])
    })
  )

  it.scoped("R6: the request outlives its callers if somebody has submitted it", () =>
    Effect.gen(function* () {
      const { end, start, stored } = yield* makeQueueWorld()
      const life = yield* start
      yield* life.openClaw.started("A")
      const caller = yield* healing(life, { job: "x", maxWait: "1 minute" })
      yield* life.queue.submit({ job: "x", trigger: "failure", maxWait: "1 hour" })
      const interrupted = yield* healing(life, { job: "x" })
      yield* interrupted.interrupt
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* caller.error)._tag, "HealingTimeout")
      assert.deepStrictEqual(yield* stored, ["x pending"])
      yield* life.openClaw.finished("A")
      yield* settle
      yield* end("x")
      assert.deepStrictEqual(yield* stored, ["x completed"])
    })
  )

  it.scoped("the request ends when its submitted wait has passed and its last caller goes", () =>
    Effect.gen(function* () {
      const { start, stored } = yield* makeQueueWorld()
      const life = yield* start
      yield* life.openClaw.started("A")
      yield* life.queue.submit({ job: "x", maxWait: "1 minute" })
      const caller = yield* healing(life, { job: "x", maxWait: "1 hour" })
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* stored, ["x pending"])
      yield* caller.interrupt
      assert.deepStrictEqual(yield* stored, ["x skipped"])
    })
  )

  it.scoped(
    "R7: interrupting the last caller cancels the request, and has ended when the review's finalizers have",
    () =>
      Effect.gen(function* () {
        const { log, start, stored } = yield* makeQueueWorld()
        const life = yield* start
        const caller = yield* healing(life, { job: "x" })
        assert.deepStrictEqual(log, ["x begins"])
        yield* caller.interrupt
        assert.deepStrictEqual(log, ["x begins", "x stops"])
        assert.deepStrictEqual(yield* stored, ["x cancelled"])
        yield* life.openClaw.started("A")
        const waiting = yield* healing(life, { job: "y" })
        yield* waiting.interrupt
        assert.deepStrictEqual(yield* stored, ["x cancelled", "y cancelled"])
        assert.deepStrictEqual(yield* life.queue.pending, [])
      })
  )

  it.scoped("R9: fails at once from inside a job or a review, in its caller", () =>
    Effect.gen(function* () {
      const { start, stored } = yield* makeQueueWorld()
      const life = yield* start
      const inJob = yield* Effect.flip(life.openClaw.withJob("A")(life.queue.heal({ job: "x" })))
      assert.strictEqual(inJob._tag, "HealingDeadlock")
      const inReview = yield* life.healing.run("y")(Effect.flip(life.queue.heal({ job: "x" })))
      assert.strictEqual(inReview._tag, "HealingDeadlock")
      assert.deepStrictEqual(yield* stored, [])
      // A wish that nobody waits for is none.
      yield* life.openClaw.withJob("A")(life.queue.submit({ job: "x" }))
      assert.deepStrictEqual(yield* stored, ["x pending"])
    })
  )

  it.scoped("says why there is no review: skipped, cancelled, failed, closed", () =>
    Effect.gen(function* () {
      const { end, start } = yield* makeQueueWorld()
      const life = yield* start
      const skipped = yield* healing(life, { job: "skipped" })
      yield* end("skipped", Reviewed.Skipped({ reason: "too few runs" }))
      assert.strictEqual((yield* skipped.error).message, 'The review of "skipped" was skipped: too few runs')
      const cancelled = yield* healing(life, { job: "cancelled" })
      yield* life.queue.cancel({ job: "cancelled" })
      assert.strictEqual((yield* cancelled.error)._tag, "HealingCancelled")
      const failed = yield* healing(life, { job: "failed" })
      yield* end("failed", failure("failed", "Never"))
      assert.strictEqual((yield* failed.error).message, 'The review of "failed" failed: no luck')
      const closed = yield* healing(life, { job: "closed" })
      yield* life.stop
      assert.strictEqual((yield* closed.error)._tag, "HealingClosed")
      assert.strictEqual((yield* Effect.flip(life.queue.heal({ job: "later" })))._tag, "HealingClosed")
      assert.strictEqual((yield* Effect.flip(life.queue.submit({ job: "later" })))._tag, "HealingStoreError")
    })
  )

  it.scoped("the callers of a coalesced request follow it", () =>
    Effect.gen(function* () {
      const { end, start, stored } = yield* makeQueueWorld({ onJobStart: "yield" })
      const life = yield* start
      const older = yield* healing(life, { job: "x", note: "old" })
      const newer = yield* healing(life, { job: "x", note: "new", priority: -1 })
      yield* life.openClaw.started("A")
      yield* settle
      assert.deepStrictEqual(yield* stored, ["x pending", "x coalesced"])
      const [pending] = yield* life.queue.pending
      assert.deepInclude(pending, { id: "healing:x:1", note: "new", priority: -1, attempts: 0 })
      yield* life.openClaw.finished("A")
      yield* settle
      yield* end("x")
      assert.strictEqual((yield* older.review).id, "healing:x:1")
      assert.strictEqual((yield* newer.review).id, "healing:x:1")
      const [coalesced] = yield* life.queue.history({ states: ["coalesced"] })
      assert.strictEqual(coalesced?.coalescedInto, "healing:x:1")
    })
  )
})

describe("failures", () => {
  it.scoped("R15: are retried with a growing back-off, then recorded as failed", () =>
    Effect.gen(function* () {
      const { end, events, log, start, stored } = yield* makeQueueWorld({ maxAttempts: 3 })
      const { queue } = yield* start
      yield* queue.submit({ job: "x" })
      yield* settle
      yield* end("x", failure("x"))
      assert.deepStrictEqual(yield* stored, ["x pending (1)"])
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual(log.length, 2)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* stored, ["x running (1)"])
      yield* end("x", failure("x"))
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(yield* stored, ["x pending (2)"])
      yield* TestClock.adjust("1 second")
      yield* end("x", failure("x"))
      assert.deepStrictEqual(yield* stored, ["x failed (3)"])
      assert.strictEqual((yield* queue.history())[0]?.reason, "no luck")
      assert.strictEqual(tagged(events, "Retrying").length, 2)
    })
  )

  it.scoped("follow a schedule of one's own, also after a restart, and end where it ends", () =>
    Effect.gen(function* () {
      const { end, start, stored } = yield* makeQueueWorld(
        { maxAttempts: 9 },
        { layer: HealingQueue.layerRetry(Schedule.intersect(Schedule.spaced("1 hour"), Schedule.recurs(2))) }
      )
      const first = yield* start
      yield* first.queue.submit({ job: "x" })
      yield* settle
      yield* end("x", failure("x"))
      yield* first.stop
      yield* start
      yield* TestClock.adjust("59 minutes")
      assert.deepStrictEqual(yield* stored, ["x pending (1)"])
      yield* TestClock.adjust("1 minute")
      yield* end("x", failure("x"))
      yield* TestClock.adjust("1 hour")
      yield* end("x", failure("x"))
      assert.deepStrictEqual(yield* stored, ["x failed (3)"])
    })
  )

  it.scoped("an answer that takes too long is a failure that is tried again", () =>
    Effect.gen(function* () {
      const { log, start, stored } = yield* makeQueueWorld({ reviewTimeout: "1 minute", maxAttempts: 2 })
      const { queue } = yield* start
      yield* queue.submit({ job: "x" })
      yield* settle
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(log, ["x begins", "x stops"])
      assert.deepStrictEqual(yield* stored, ["x pending (1)"])
      yield* TestClock.adjust("30 seconds")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* stored, ["x failed (2)"])
      assert.strictEqual((yield* queue.history())[0]?.reason, "no answer within 1m")
    })
  )

  it.scoped(
    "a rate limit pauses the whole queue until the time it names, counts no attempt, and outlives a restart",
    () =>
      Effect.gen(function* () {
        const { end, events, log, start, stored } = yield* makeQueueWorld()
        const first = yield* start
        yield* first.queue.submit({ job: "x" })
        yield* first.queue.submit({ job: "y" })
        yield* settle
        yield* end("x", failure("x", "RateLimited", minutes(90)))
        assert.deepStrictEqual(yield* stored, ["x pending", "y pending"])
        assert.deepStrictEqual(tagged(events, "RateLimited"), [{ _tag: "RateLimited", at: 0, until: minutes(90) }])
        const { heldBy, holds } = yield* first.healing.status.get
        assert.deepStrictEqual(heldBy, [{ _tag: "RateLimited", remaining: Duration.minutes(90) }])
        assert.deepStrictEqual(holds, heldBy)
        const caller = yield* healing(first, { job: "z", maxWait: "1 minute" })
        yield* TestClock.adjust("1 minute")
        assert.include((yield* caller.error).message, "a rate limit, for another 1h 29m")
        yield* first.crash
        yield* start
        yield* TestClock.adjust("88 minutes")
        assert.strictEqual(log.length, 2)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* stored, ["x running", "y pending", "z skipped"])
      })
  )

  it.scoped("one whose subject is not there yet waits without an attempt, a cool-down or a review of the day", () =>
    Effect.gen(function* () {
      const { end, events, log, start, stored } = yield* makeQueueWorld({ maxReviewsPerDay: 1, maxAttempts: 1 })
      const life = yield* start
      const { queue } = life
      yield* queue.submit({ job: "x", trigger: "failure" })
      yield* settle
      const caller = yield* healing(life, { job: "y" })
      for (let minute = 0; minute < 5; minute++) {
        assert.strictEqual(log.at(-1), "x begins")
        yield* end("x", failure("x", "NotYet"))
        assert.include(yield* stored, "x pending")
        const waiting = (yield* queue.pending).find(({ job }) => job === "x")
        assert.deepInclude(waiting, { job: "x", attempts: 0, starts: [], reason: "no luck" })
        if (minute === 0) {
          // Another one gets its turn meanwhile, and who waits for an answer is not kept waiting.
          assert.strictEqual(log.at(-1), "y begins")
          yield* end("y", failure("y", "NotYet"))
          assert.match((yield* caller.error).message, /^The review of "y" was skipped: no luck$/)
        }
        yield* TestClock.adjust("59 seconds")
        assert.notStrictEqual(log.at(-1), "x begins")
        yield* TestClock.adjust("1 second")
      }
      yield* end("x", Reviewed.Completed({ report: { summary: "there it is" } }))
      assert.isNull((yield* queue.history({ job: "x", limit: 1 }))[0]?.reason)
      assert.strictEqual(tagged(events, "Retrying").length, 0)
    })
  )

  it.scoped("a review begins when its reviewer says so, and not before", () =>
    Effect.gen(function* () {
      const { events, start } = yield* makeQueueWorld(
        {},
        {
          reviewTelling: ({ job }, begins) =>
            job === "nothing"
              ? Effect.succeed(Reviewed.Skipped({ reason: "nothing to review" }))
              : Effect.as(begins, Reviewed.Completed({ report: { summary: "done" } }))
        }
      )
      const { queue } = yield* start
      yield* queue.submit({ job: "nothing" })
      yield* queue.submit({ job: "x" })
      yield* settle
      assert.deepStrictEqual(
        tagged(events, "Started").map((event) => ("request" in event ? event.request.job : "")),
        ["x"]
      )
      assert.strictEqual(tagged(events, "Ended").length, 2)
    })
  )

  it.scoped("rate limits without a time grow up to an hour, until a review is completed", () =>
    Effect.gen(function* () {
      const { end, open, start } = yield* makeQueueWorld()
      const { queue } = yield* start
      yield* queue.submit({ job: "x" })
      yield* settle
      for (const wait of [1, 2, 4, 8, 16, 32, 60, 60]) {
        yield* end("x", failure("x", "RateLimited"))
        yield* TestClock.adjust(Duration.millis(minutes(wait) - 1))
        assert.deepStrictEqual(open, [], `before ${wait} minutes`)
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(open.length, 1, `after ${wait} minutes`)
      }
      yield* end("x")
      yield* queue.submit({ job: "y" })
      yield* settle
      yield* end("y", failure("y", "RateLimited"))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(open.length, 1)
    })
  )

  it.scoped("a report that does not fit is a failure, and stops nobody", () =>
    Effect.gen(function* () {
      const { end, start, stored } = yield* makeQueueWorld({ maxAttempts: 1 })
      const { queue } = yield* start
      yield* queue.submit({ job: "x" })
      yield* queue.submit({ job: "y" })
      yield* settle
      yield* end("x", report("x".repeat(20_001)))
      assert.include((yield* queue.history())[0]?.reason ?? "", "its report does not fit")
      yield* end("y", report("y".repeat(20_000)))
      assert.deepStrictEqual(yield* stored, ["x failed (1)", "y completed"])
    })
  )

  it.scoped("a review that dies has failed, and its message goes nowhere", () =>
    Effect.gen(function* () {
      const { open, start, stored, events } = yield* makeQueueWorld({ maxAttempts: 1 })
      const life = yield* start
      const caller = yield* healing(life, { job: "x" })
      const [review] = open
      assert.isDefined(review)
      if (review !== undefined) yield* Deferred.die(review.end, new TypeError("token sk-secret"))
      yield* settle
      assert.deepStrictEqual(yield* stored, ["x failed (1)"])
      assert.strictEqual((yield* caller.error).message, 'The review of "x" failed: the review died of a TypeError')
      assert.notInclude(JSON.stringify([events, yield* life.queue.history()]), "sk-secret")
    })
  )
})

describe("no storms", () => {
  it.scoped("cooldown: the next automatic review of a job waits, one by hand does not", () =>
    Effect.gen(function* () {
      const { end, log, start } = yield* makeQueueWorld({ cooldown: "10 minutes" })
      const first = yield* start
      yield* first.queue.submit({ job: "x", trigger: "failure" })
      yield* settle
      // Both before and after the end of the review.
      yield* first.queue.submit({ job: "x", trigger: "failure" })
      yield* end("x")
      assert.strictEqual((yield* first.queue.pending)[0]?.notBefore, minutes(10))
      yield* first.queue.cancel({ job: "x" })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(accepted(yield* first.queue.submit({ job: "x", trigger: "failure" })).notBefore, minutes(10))
      const { heldBy } = yield* first.healing.status.get
      assert.deepStrictEqual(heldBy, [{ _tag: "NotBefore", remaining: Duration.minutes(9) }])
      yield* first.crash
      const second = yield* start
      yield* TestClock.adjust(Duration.millis(minutes(9) - 1))
      assert.strictEqual(log.length, 2)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(log.length, 3)
      yield* end("x")
      yield* second.crash
      const third = yield* start
      assert.strictEqual(accepted(yield* third.queue.submit({ job: "x", trigger: "failure" })).notBefore, minutes(20))
      yield* third.queue.submit({ job: "x", trigger: "manual" })
      yield* settle
      assert.strictEqual(log.length, 5)
    })
  )

  it.scoped("maxReviewsPerDay: more automatic ones wait, also after a restart; those by hand do not", () =>
    Effect.gen(function* () {
      const { end, log, start } = yield* makeQueueWorld({ maxReviewsPerDay: 2, cooldown: 0 })
      const first = yield* start
      for (const job of ["a", "b", "c", "d"]) yield* first.queue.submit({ job, trigger: "schedule" })
      yield* settle
      yield* TestClock.adjust("1 hour")
      yield* end("a")
      yield* end("b", failure("b", "Never"))
      assert.deepStrictEqual((yield* first.healing.status.get).heldBy, [
        { _tag: "DailyLimit", remaining: Duration.hours(23) }
      ])
      const submission = accepted(yield* first.queue.submit({ job: "e", trigger: "failure" }))
      assert.strictEqual(submission.notBefore, Duration.toMillis("1 day"))
      yield* first.queue.submit({ job: "by hand" })
      yield* settle
      yield* end("by hand")
      yield* first.crash
      yield* start
      yield* TestClock.adjust("22 hours")
      assert.strictEqual(log.filter((line) => line.endsWith("begins")).length, 3)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(log.at(-1), "e begins")
      yield* end("e")
      assert.deepStrictEqual(log.at(-1), "e ends")
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(log.at(-1), "c begins")
    })
  )

  it.scoped("pause lets no review begin whose start was being written", () =>
    Effect.gen(function* () {
      const world = yield* makeQueueWorld()
      const { openClaw, queue } = yield* world.start
      yield* openClaw.started("job")
      yield* queue.submit({ job: "A" })
      const disk = yield* Effect.makeLatch()
      world.disk.before = disk.await
      const another = yield* Effect.fork(queue.submit({ job: "B" }))
      yield* settle
      // The start and the pause come into one commit, after that of another wish.
      yield* openClaw.finished("job")
      yield* settle
      const pausing = yield* Effect.fork(queue.pause)
      yield* settle
      yield* disk.open
      yield* Fiber.join(pausing)
      yield* Fiber.join(another)
      yield* settle
      assert.deepStrictEqual(world.log, [])
      yield* queue.resume
      yield* settle
      assert.include(world.log, "A begins")
    })
  )

  it.scoped("pause survives a restart, lets a running review end, and holds no run back", () =>
    Effect.gen(function* () {
      const { end, events, log, start } = yield* makeQueueWorld()
      const first = yield* start
      yield* first.queue.submit({ job: "x" })
      yield* settle
      yield* first.queue.submit({ job: "y" })
      yield* first.queue.pause
      yield* end("x")
      yield* settle
      assert.deepStrictEqual(log, ["x begins", "x ends"])
      assert.deepStrictEqual((yield* first.healing.status.get).heldBy, [{ _tag: "Paused" }])
      assert.strictEqual(yield* first.healing.run("z")(Effect.succeed("ran")), "ran")
      yield* first.crash
      const second = yield* start
      yield* TestClock.adjust("1 day")
      assert.strictEqual(log.length, 2)
      yield* second.queue.resume
      yield* settle
      assert.deepStrictEqual(log.at(-1), "y begins")
      assert.deepStrictEqual(
        events.map(({ _tag }) => _tag).filter((tag) => tag === "Paused" || tag === "Resumed"),
        ["Paused", "Resumed"]
      )
    })
  )
})

describe("restart", () => {
  it.scoped("R13: what was pending is replayed in its order, what was running is cut off and counted", () =>
    Effect.gen(function* () {
      const { end, log, start, stored } = yield* makeQueueWorld({ maxAttempts: 2 })
      const first = yield* start
      yield* first.queue.submit({ job: "x" })
      yield* settle
      yield* first.queue.submit({ job: "y" })
      yield* first.queue.submit({ job: "z", priority: -1 })
      yield* first.crash
      const second = yield* start
      assert.deepStrictEqual(yield* stored, ["x pending (1)", "y pending", "z running"])
      yield* end("z")
      assert.deepStrictEqual(yield* stored, ["x running (1)", "y pending", "z completed"])
      yield* second.crash
      yield* start
      assert.deepStrictEqual(yield* stored, ["x failed (2)", "y running", "z completed"])
      assert.deepStrictEqual(
        log.filter((line) => line.endsWith("begins")),
        ["x begins", "z begins", "x begins", "y begins"]
      )
    })
  )

  it.scoped("R14: what was running is merged with what was pending for the same job", () =>
    Effect.gen(function* () {
      const { start, stored, sql } = yield* makeQueueWorld()
      const first = yield* start
      yield* first.queue.submit({ job: "x", note: "old" })
      yield* settle
      yield* first.queue.submit({ job: "x", note: "new", trigger: "failure" })
      yield* first.crash
      yield* start
      assert.deepStrictEqual(yield* stored, ["x running (1)", "x coalesced"])
      const rows = yield* sql`SELECT note, triggers FROM healing_requests WHERE number = 1`
      assert.deepStrictEqual(rows, [{ note: "new", triggers: '["manual","failure"]' }])
    })
  )

  it.scoped("R13: a clean stop interrupts the review and counts nothing", () =>
    Effect.gen(function* () {
      const { log, start, stored } = yield* makeQueueWorld()
      const first = yield* start
      yield* first.queue.submit({ job: "x" })
      yield* settle
      yield* first.stop
      assert.deepStrictEqual(log, ["x begins", "x stops"])
      assert.deepStrictEqual(yield* stored, ["x pending"])
      yield* start
      assert.deepStrictEqual(yield* stored, ["x running"])
    })
  )

  it.scoped("cancels what only callers wanted, skips what waits no longer", () =>
    Effect.gen(function* () {
      const { start, stored } = yield* makeQueueWorld()
      const first = yield* start
      yield* first.queue.pause
      yield* healing(first, { job: "healed", maxWait: "1 day" })
      yield* first.queue.submit({ job: "late", maxWait: "1 hour" })
      yield* first.queue.submit({ job: "in time", maxWait: "3 hours" })
      yield* first.crash
      yield* TestClock.adjust("2 hours")
      yield* start
      assert.deepStrictEqual(yield* stored, ["healed cancelled", "late skipped", "in time pending"])
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* stored, ["healed cancelled", "late skipped", "in time skipped"])
    })
  )

  it.scoped("a clock that was set back prolongs no cool-down, back-off, rate limit or day", () =>
    Effect.gen(function* () {
      const { end, log, sql, start } = yield* makeQueueWorld({ maxReviewsPerDay: 1 })
      const first = yield* start
      yield* first.queue.submit({ job: "x", trigger: "failure" })
      yield* settle
      yield* end("x")
      yield* first.queue.submit({ job: "x", trigger: "failure" })
      yield* first.queue.submit({ job: "y" })
      yield* settle
      yield* end("y", failure("y"))
      yield* first.queue.submit({ job: "z" })
      yield* settle
      yield* end("z", failure("z", "RateLimited"))
      yield* first.stop
      // As if all of this had been written a year ahead.
      const year = Duration.toMillis("365 days")
      yield* sql`UPDATE healing_requests SET not_before = not_before + ${year} WHERE not_before IS NOT NULL`
      yield* sql`UPDATE healing_requests SET ended_at = ended_at + ${year} WHERE ended_at IS NOT NULL`
      yield* sql`UPDATE healing_requests SET last_start = last_start + ${year}, starts = '[' || (last_start + ${year}) || ']' WHERE last_start IS NOT NULL`
      yield* sql`UPDATE healing_queue SET rate_limited_until = rate_limited_until + ${year}`
      const limitedUntil = sql`SELECT rate_limited_until AS at FROM healing_queue`
      for (let i = 0; i < 3; i++) {
        yield* (yield* start).stop
        // A day from the first of these starts, and not from each of them.
        assert.deepStrictEqual(yield* limitedUntil, [{ at: Duration.toMillis("1 day") }])
        yield* TestClock.adjust("1 hour")
      }
      yield* start
      yield* TestClock.adjust("1 day")
      const begun = () => log.filter((line) => line.endsWith("begins")).length
      assert.strictEqual(begun(), 4)
      yield* end("y")
      yield* end("z")
      assert.deepStrictEqual(log.at(-1), "x begins")
    })
  )
})

describe("cancel", () => {
  it.scoped("by id or by job, pending or running, and says what it has cancelled", () =>
    Effect.gen(function* () {
      const { log, start, stored } = yield* makeQueueWorld()
      const { queue } = yield* start
      yield* queue.submit({ job: "x" })
      yield* settle
      yield* queue.submit({ job: "x" })
      yield* queue.submit({ job: "a:b" })
      const ids = (requests: ReadonlyArray<{ readonly id: string }>) => requests.map(({ id }) => id)
      assert.deepStrictEqual(ids(yield* queue.cancel({ id: "healing:a:b:3" })), ["healing:a:b:3"])
      assert.deepStrictEqual(ids(yield* queue.cancel({ id: "healing:a:b:3" })), [])
      assert.deepStrictEqual(ids(yield* queue.cancel({ id: "nonsense" })), [])
      assert.deepStrictEqual(ids(yield* queue.cancel({ job: "x" })), ["healing:x:2", "healing:x:1"])
      assert.deepStrictEqual(log, ["x begins", "x stops"])
      assert.deepStrictEqual(yield* stored, ["x cancelled", "x cancelled", "a:b cancelled"])
    })
  )
})

describe("history, events and retention", () => {
  it.scoped("the past can be leafed through, the newest first", () =>
    Effect.gen(function* () {
      const { end, start } = yield* makeQueueWorld({ cooldown: 0 })
      const { queue } = yield* start
      for (const job of ["a", "b", "a", "c", "a"]) {
        yield* queue.submit({ job })
        yield* settle
        yield* end(job, job === "c" ? failure("c", "Never") : report())
        yield* TestClock.adjust("1 second")
      }
      const first = yield* queue.history({ limit: 2 })
      const before = first.at(-1)
      const rest = yield* queue.history({ before, limit: 1000 })
      assert.deepStrictEqual(
        [...first, ...rest].map(({ number }) => number),
        [5, 4, 3, 2, 1]
      )
      const numbers = (options: Parameters<typeof queue.history>[0]) =>
        Effect.map(queue.history(options), (all) => all.map(({ number }) => number))
      assert.deepStrictEqual(yield* numbers({ job: "a" }), [5, 3, 1])
      assert.deepStrictEqual(yield* numbers({ states: ["failed"] }), [4])
      assert.deepStrictEqual(yield* numbers({ job: "a", states: ["failed"] }), [])
    })
  )

  it.scoped("a reader that never reads slows nobody down, and misses the oldest", () =>
    Effect.gen(function* () {
      const { start } = yield* makeQueueWorld()
      const { openClaw, queue } = yield* start
      yield* openClaw.started("A")
      const seen: Array<string> = []
      const gate = yield* Effect.makeLatch(false)
      yield* Stream.runForEach(queue.events, (event) =>
        Effect.zipRight(
          gate.await,
          Effect.sync(() => seen.push("request" in event ? event.request.job : event._tag))
        )
      ).pipe(Effect.forkScoped)
      yield* settle
      for (const number of Arr.range(1, 1500)) yield* queue.submit({ job: `${number}` })
      yield* gate.open
      yield* settle
      assert.strictEqual(seen.at(-1), "1500")
      assert.isBelow(seen.length, 1100)
      assert.isAbove(seen.length, 1000)
    })
  )

  it.scoped("what ended too long ago is removed, step by step", () =>
    Effect.gen(function* () {
      const { end, sql, start } = yield* makeQueueWorld({ retention: "30 days", cooldown: 0 })
      const first = yield* start
      yield* first.openClaw.started("A")
      yield* Effect.forEach(Arr.range(1, 350), (n) => first.queue.submit({ job: `${n}` }), { concurrency: 50 })
      yield* Effect.forEach(Arr.range(1, 350), (n) => first.queue.cancel({ job: `${n}` }), { concurrency: 50 })
      const count = Effect.map(sql`SELECT COUNT(*) AS n FROM healing_requests`, ([row]) => row?.n)
      assert.strictEqual(yield* count, 350)
      yield* TestClock.adjust("30 days")
      yield* first.openClaw.finished("A")
      yield* first.queue.submit({ job: "x" })
      yield* settle
      yield* end("x")
      assert.strictEqual(yield* count, 350 + 1)
      yield* TestClock.adjust("1 hour")
      yield* first.queue.submit({ job: "y" })
      yield* settle
      yield* end("y")
      assert.strictEqual(yield* count, 2)
    })
  )

  it.scoped(
    "what ended too long ago is removed also if nothing ends any more, and not for a clock that is set ahead",
    () =>
      Effect.gen(function* () {
        const { sql, start } = yield* makeQueueWorld({ retention: "30 days" })
        const { openClaw, queue } = yield* start
        yield* openClaw.started("A")
        const count = Effect.map(
          sql`SELECT COUNT(*) AS n FROM healing_requests WHERE state = 'cancelled'`,
          ([row]) => row?.n
        )
        for (const job of ["x", "y"]) {
          yield* queue.submit({ job })
          yield* queue.cancel({ job })
        }
        yield* queue.submit({ job: "pending" })
        const clock = yield* Effect.clock
        const look = Effect.zipRight(
          Effect.sync(() => queue[forScheduler].look()),
          settle
        )
        yield* TestClock.adjust("29 days")
        yield* look
        assert.strictEqual(yield* count, 2)
        const steady = clock.unsafeCurrentTimeMillis.bind(clock)
        Object.assign(clock, {
          unsafeCurrentTimeMillis: () => steady() + 365 * 86_400_000,
          unsafeCurrentTimeNanos: () => BigInt(steady()) * 1_000_000n
        })
        yield* TestClock.adjust("1 hour")
        yield* look
        assert.strictEqual(yield* count, 2, "a clock that is ahead makes nothing older")
        yield* TestClock.adjust("1 day")
        yield* look
        assert.strictEqual(yield* count, 0)
      })
  )
})

describe("a store that fails", () => {
  it.scoped("refuses wishes, and goes on when it can be written again", () =>
    Effect.gen(function* () {
      const { disk, log, start, stored } = yield* makeQueueWorld()
      const life = yield* start
      disk.fail()
      const error = yield* Effect.flip(life.queue.submit({ job: "x" }))
      assert.strictEqual(error._tag, "HealingStoreError")
      assert.strictEqual((yield* Effect.flip(life.queue.heal({ job: "y" })))._tag, "HealingStoreError")
      assert.strictEqual((yield* Effect.flip(life.queue.pause))._tag, "HealingStoreError")
      assert.deepStrictEqual(yield* life.queue.pending, [])
      disk.repair()
      yield* TestClock.adjust("1 second")
      yield* life.queue.submit({ job: "x" })
      yield* settle
      assert.deepStrictEqual(log, ["x begins"])
      assert.deepStrictEqual(yield* stored, ["x running"])
    })
  )

  it.scoped("is tried once in a while, however many wish, and refuses them at once in between", () =>
    Effect.gen(function* () {
      const { disk, end, log, start, stored } = yield* makeQueueWorld()
      const life = yield* start
      let tries = 0
      disk.before = Effect.sync(() => void tries++)
      for (const isBusy of [false, true]) {
        // With something that has happened, and without.
        if (isBusy) {
          yield* life.queue.submit({ job: "busy" })
          yield* settle
        }
        disk.fail()
        if (isBusy) yield* end("busy")
        tries = 0
        for (let i = 0; i < 100; i++) {
          const error = yield* Effect.flip(life.queue.submit({ job: `x${i}` }))
          assert(error._tag === "HealingStoreError" && error.reason === "Full")
          yield* TestClock.adjust("1 second")
        }
        assert.isAtLeast(tries, 5)
        assert.isAtMost(tries, 8)
        disk.repair()
        yield* TestClock.adjust("1 minute")
        yield* life.queue.submit({ job: "later" })
        yield* settle
        assert.strictEqual(log.at(-1), "later begins")
        yield* end("later")
        assert.strictEqual((yield* stored).at(-1), "later completed")
      }
    })
  )

  it.scoped("R15: the end of a review is kept until it can be written, and nothing else is begun before", () =>
    Effect.gen(function* () {
      const { disk, end, events, log, start, stored } = yield* makeQueueWorld()
      const life = yield* start
      const caller = yield* healing(life, { job: "x" })
      yield* life.queue.submit({ job: "y" })
      disk.fail()
      yield* end("x", report("dear"))
      yield* TestClock.adjust("10 seconds")
      assert.isFalse(yield* caller.hasEnded)
      assert.deepStrictEqual(log, ["x begins", "x ends"])
      assert.deepStrictEqual(yield* stored, ["x running", "y pending"])
      assert.deepStrictEqual((yield* life.healing.status.get).holds, [
        { _tag: "StoreFailing", reason: "the disk is Full" }
      ])
      assert.strictEqual(tagged(events, "StoreFailing").length, 1)
      disk.repair()
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* caller.review).report.summary, "dear")
      assert.deepStrictEqual(yield* stored, ["x completed", "y running"])
      assert.strictEqual(tagged(events, "StoreRecovered").length, 1)
    })
  )

  it.scoped("begins no review whose beginning cannot be written, and tries again in growing steps", () =>
    Effect.gen(function* () {
      const { disk, log, start, stored } = yield* makeQueueWorld()
      const life = yield* start
      yield* life.openClaw.started("A")
      yield* life.queue.submit({ job: "x" })
      disk.fail()
      yield* life.openClaw.finished("A")
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(log, [])
      assert.deepStrictEqual(yield* stored, ["x pending"])
      assert.deepStrictEqual((yield* life.healing.status.get).running, [])
      disk.repair()
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(log, ["x begins"])
      assert.deepStrictEqual((yield* life.healing.status.get).holds, [])
    })
  )

  it.scoped("cancel says that it could not be written, and holds nevertheless", () =>
    Effect.gen(function* () {
      const { disk, log, start, stored } = yield* makeQueueWorld()
      const life = yield* start
      yield* life.openClaw.started("A")
      yield* life.queue.submit({ job: "x" })
      disk.fail()
      assert.strictEqual((yield* Effect.flip(life.queue.cancel({ job: "x" })))._tag, "HealingStoreError")
      yield* life.openClaw.finished("A")
      disk.repair()
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(log, [])
      assert.deepStrictEqual(yield* stored, ["x cancelled"])
    })
  )

  it.scoped("one wish that cannot be written is not in the way of the others of its commit", () =>
    Effect.gen(function* () {
      const { sql, start, stored } = yield* makeQueueWorld()
      const { openClaw, queue } = yield* start
      yield* openClaw.started("A")
      // Somebody else has written into the database.
      yield* sql`INSERT INTO healing_requests (number, job, state, priority, triggers, automatic, callers_only, submitted_at, attempts, starts)
        VALUES (2, 'b', 'pending', -10, '["manual"]', 0, 0, 0, 0, '[]')`
      const results = yield* Effect.forEach(["a", "b", "c"], (job) => Effect.either(queue.submit({ job })), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        results.map(({ _tag }) => _tag),
        ["Right", "Left", "Right"]
      )
      assert.deepStrictEqual(yield* stored, ["a pending", "b pending", "c pending"])
    })
  )

  it.scoped("many wishes at once are one commit", () =>
    Effect.gen(function* () {
      const { disk, start } = yield* makeQueueWorld()
      const { openClaw, queue } = yield* start
      yield* openClaw.started("A")
      const before = disk.commits
      yield* Effect.forEach(Arr.range(1, 100), (n) => queue.submit({ job: `${n}` }), { concurrency: "unbounded" })
      assert.strictEqual(disk.commits - before, 1)
    })
  )

  it.scoped("the end of a review and the beginning of the next are one commit", () =>
    Effect.gen(function* () {
      const { disk, end, log, start } = yield* makeQueueWorld()
      const { queue } = yield* start
      yield* queue.submit({ job: "x" })
      yield* settle
      yield* queue.submit({ job: "y" })
      const before = disk.commits
      yield* end("x")
      assert.deepStrictEqual(log.at(-1), "y begins")
      assert.strictEqual(disk.commits - before, 1)
    })
  )
})

describe("defects of others that must not exist here", () => {
  it.scoped("D5: a review that got no turn stays wanted, and uses up no period", () =>
    Effect.gen(function* () {
      const { log, start, stored } = yield* makeQueueWorld()
      const { openClaw, queue } = yield* start
      yield* openClaw.started("A")
      yield* queue.submit({ job: "x", trigger: "schedule" })
      yield* TestClock.adjust("30 days")
      assert.deepStrictEqual(yield* stored, ["x pending"])
      yield* openClaw.finished("A")
      yield* settle
      assert.deepStrictEqual(log, ["x begins"])
    })
  )

  it.scoped("D6: what waits is in the database, and waits again after a restart", () =>
    Effect.gen(function* () {
      const { log, start, stored } = yield* makeQueueWorld()
      const first = yield* start
      yield* first.openClaw.started("A")
      yield* first.queue.submit({ job: "x", trigger: "failure" })
      assert.deepStrictEqual(yield* stored, ["x pending"])
      yield* first.crash
      yield* start
      assert.deepStrictEqual(log, ["x begins"])
    })
  )

  it.scoped("D7: no request stays running after the end of its process", () =>
    Effect.gen(function* () {
      for (const how of ["stop", "crash"] as const) {
        const { start, stored } = yield* makeQueueWorld({ maxAttempts: 1 })
        const first = yield* start
        yield* first.queue.submit({ job: "x" })
        yield* settle
        assert.deepStrictEqual(yield* stored, ["x running"])
        yield* first[how]
        const second = yield* start
        yield* second.queue.pause
        assert.deepStrictEqual(yield* stored, how === "stop" ? ["x running"] : ["x failed (1)"])
        yield* second.stop
        assert.deepStrictEqual(yield* stored, how === "stop" ? ["x pending"] : ["x failed (1)"])
      }
    })
  )

  it.scoped("D8: two triggers for a job, while it waits or is reviewed, are no two reviews", () =>
    Effect.gen(function* () {
      const { end, log, start, stored } = yield* makeQueueWorld()
      const { openClaw, queue } = yield* start
      yield* openClaw.started("A")
      yield* queue.submit({ job: "x", trigger: "failure" })
      yield* queue.submit({ job: "x", trigger: "sla_breach" })
      yield* openClaw.finished("A")
      yield* settle
      yield* Effect.forEach(Arr.range(1, 100), () => queue.submit({ job: "x", trigger: "failure" }), {
        concurrency: "unbounded"
      })
      yield* end("x")
      assert.deepStrictEqual(log, ["x begins", "x ends"])
      assert.deepStrictEqual(yield* stored, ["x completed", "x pending"])
    })
  )
})
