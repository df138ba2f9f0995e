/**
 * For how long the process stands still when many jobs are due at once: all of their requests go to a file.
 */
import { NodeContext } from "@effect/platform-node"
import { Context, Effect, Layer, Logger, Stream } from "effect"
import * as Duration from "effect/Duration"
import { Activity, Healing, HealingQueue, HealingScheduler, Reviewed, Reviewer, Supervisor } from "../../src/index.js"
import { SteppedClock } from "../properties/Stepped.js"
import { insertPending, newFile, openRaw, withOurs } from "./disk.js"
import { compare, type Row, rowOf, size } from "./ratio.js"

const JOBS = size(5000, 200)

/** What is written in one go, and nobody can shorten. */
const BATCH = 256

const FROM = Date.UTC(2026, 0, 14, 2, 59)

/** One that stands still until it is told to go on, but lets everything else go first where somebody gives way. */
class GivingWay extends SteppedClock {
  override sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Duration.toMillis(duration) > 0
      ? super.sleep(duration)
      : Effect.async((resume) => void setTimeout(() => resume(Effect.void), 0))
  }
}

/** The longest time between two turns of the loop, until the effect has ended. */
const longestStop = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.suspend(() => {
    let last = performance.now()
    let longest = 0
    let goesOn = true
    const look = () => {
      const now = performance.now()
      longest = Math.max(longest, now - last)
      last = now
      if (goesOn) setImmediate(look)
    }
    setImmediate(look)
    return Effect.map(effect, () => {
      goesOn = false
      look()
      return longest
    })
  })

const supervisor = Layer.succeed(Supervisor, {
  jobs: Effect.succeed(
    Array.from({ length: JOBS }, (_, i) => ({
      id: `job ${i}`,
      kind: "cron",
      openClaw: false,
      policy: { schedule: { frequency: "daily", time: "03:00", timeZone: "UTC" } }
    }))
  ),
  activity: Stream.concat(Stream.succeed(Activity.Known({ running: ["a job"] })), Stream.never),
  events: Stream.never,
  runs: Stream.never,
  evidence: () => Effect.die("nobody asks")
})

const due = Effect.gen(function* () {
  const clock = new GivingWay(FROM)
  const layer = Healing.layerSupervised({
    filename: yield* newFile,
    reviewer: Layer.succeed(Reviewer, { review: () => Effect.succeed(Reviewed.Skipped({ reason: "none" })) })
  }).pipe(Layer.provide([supervisor, NodeContext.layer]))
  return yield* Effect.gen(function* () {
    const context = yield* Layer.build(layer)
    const queue = Context.get(context, HealingQueue)
    const scheduler = Context.get(context, HealingScheduler)
    const until = <A, E>(effect: Effect.Effect<A, E>, holds: (a: A) => boolean): Effect.Effect<A, E> =>
      Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5))).pipe(
        Effect.zipRight(effect),
        Effect.flatMap((a) => (holds(a) ? Effect.succeed(a) : until(effect, holds)))
      )
    yield* scheduler.refresh
    yield* until(scheduler.occurrences(`job ${JOBS - 1}`), ({ length }) => length > 0)
    yield* Effect.sync(() => clock.jump(FROM + 60_000))
    return yield* longestStop(until(queue.pending, ({ length }) => length === JOBS))
  }).pipe(Effect.withClock(clock))
}).pipe(Effect.scoped, Effect.provide(Logger.remove(Logger.defaultLogger)), Effect.orDie)

/** One commit, after which everything else has its turn. */
const commits = Effect.gen(function* () {
  const file = yield* newFile
  yield* withOurs(file, Effect.void)
  const database = yield* openRaw(file)
  const insert = insertPending(database)
  const commit = (from: number) =>
    Effect.promise(async () => {
      database.exec("BEGIN")
      for (let number = from; number < from + BATCH; number++) insert(number)
      database.exec("COMMIT")
      await new Promise((resolve) => setImmediate(resolve))
    })
  const all = Array.from({ length: Math.ceil(JOBS / BATCH) }, (_, i) => commit(1 + i * BATCH))
  return yield* longestStop(Effect.all(all, { discard: true }))
}).pipe(Effect.scoped)

export const stops: Effect.Effect<ReadonlyArray<Row>> = Effect.map(
  compare({ rounds: 5, warmUp: 1 }, due, commits),
  (compared) => [
    rowOf(
      `the longest stop while ${JOBS.toLocaleString("en")} jobs are due at once, to that of a bare commit of ${BATCH} rows`,
      compared,
      25
    )
  ]
)
