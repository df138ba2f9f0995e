/**
 * A small supervisor that restarts a failing job and has each failure reviewed, without the reviews ever being in the
 * way of the job.
 *
 *     npx tsx examples/supervisor.ts
 */
import { Command } from "@effect/platform"
import { NodeContext, NodeRuntime } from "@effect/platform-node"
import { Data, Effect, FiberSet, Layer, Option, Ref, Schedule, Stream } from "effect"
import { Healing, HealingService, OpenClaw } from "effect-healing"

const JOB = "nightly-digest"

/** Stands for an OpenClaw turn: its provider is out of breath, until the fourth start. */
const script = `
  console.log("digest: 12 new mails, asking the model")
  setTimeout(() => {
    if (process.env.START === "4") return console.log("digest: sent")
    console.error("error: 429 Too Many Requests")
    process.exitCode = 1
  }, 300)
`

class JobFailed extends Data.TaggedError("JobFailed")<{
  readonly start: number
  /** None if it was ended by a signal. */
  readonly exitCode: Option.Option<number>
  readonly output: string
}> {
  override get message(): string {
    const how = Option.match(this.exitCode, { onNone: () => "by a signal", onSome: (code) => `with exit code ${code}` })
    return `${JOB}: start ${this.start} ended ${how}`
  }
}

const MAX_OUTPUT = 4096

/** One run of the job's process, from its start to its end. */
const runProcess = (start: number) =>
  Effect.gen(function* () {
    yield* Effect.log(`${JOB}: start ${start}`)
    const child = yield* Command.make(process.execPath, "--eval", script).pipe(
      Command.env({ START: String(start) }),
      Command.start
    )
    // The end of the output is kept, by length: a number of lines is no limit, as a single one may go on for ever.
    const output = Stream.merge(Stream.decodeText(child.stdout), Stream.decodeText(child.stderr)).pipe(
      Stream.runFold("", (kept, text) => (kept + text).slice(-MAX_OUTPUT))
    )
    // Both at once, since a process stands still when nobody reads what it prints.
    const end = yield* Effect.all({ output, exitCode: Effect.option(child.exitCode) }, { concurrency: "unbounded" })
    if (!Option.exists(end.exitCode, (code) => code === 0)) return yield* new JobFailed({ start, ...end })
    yield* Effect.log(`${JOB}: done`)
  }).pipe(Effect.scoped)

/** Tells the gate that the job runs, until its process is gone, however it goes: so `withJob` stands outermost. */
const runJob = (start: number) => Effect.flatMap(OpenClaw, (openClaw) => openClaw.withJob(JOB)(runProcess(start)))

/** What is done in a turn: here an AI would be asked. */
const findCause = ({ message, output }: JobFailed) => {
  const lines = output.trimEnd().split("\n").slice(-20)
  const cause = lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1)
  return Effect.log(`Finding: ${message}, after "${cause}"`)
}

/** Waits for its turn, however often the job is restarted meanwhile; but not for ever. */
const review = (failure: JobFailed) =>
  Effect.flatMap(HealingService, (healing) => healing.run(JOB, { maxWait: "1 minute" })(findCause(failure))).pipe(
    // Not reviewed, and it says what was in the way. The job is none the worse for it.
    Effect.catchTag("HealingTimeout", (timeout) => Effect.logWarning(timeout.message)),
    // A deadlock or a closed gate would be a mistake in this file.
    Effect.catchAll((mistake) => Effect.logError(mistake.message))
  )

/** 0.3 s, 0.6 s, 1.2 s and so on, up to a minute; ten restarts at most. */
const backOff = Schedule.exponential("300 millis").pipe(
  Schedule.union(Schedule.spaced("1 minute")),
  Schedule.intersect(Schedule.recurs(10))
)

const supervise = Effect.gen(function* () {
  const reviews = yield* FiberSet.make<void>()
  const starts = yield* Ref.make(0)

  const outcome = yield* Ref.updateAndGet(starts, (n) => n + 1).pipe(
    Effect.flatMap(runJob),
    // Asked for here, after the job has ended: inside of `withJob` it would be a `HealingDeadlock`, since it would wait
    // for the job, and the job for it. Forked, so that the restart does not wait for the review.
    Effect.tapErrorTag("JobFailed", (failure) =>
      Effect.zipRight(Effect.logWarning(failure.message), FiberSet.run(reviews, review(failure)))
    ),
    Effect.retry(backOff),
    Effect.exit
  )

  yield* FiberSet.awaitEmpty(reviews)
  yield* outcome
}).pipe(Effect.scoped)

/**
 * Jobs go first: a review starts when no OpenClaw job has run for the quiet period. The first two restarts come sooner
 * than that, and so before the reviews: a job that is back at once matters more than knowing why it was gone. The pause
 * before the third restart is longer than the quiet period, and there the reviews have their turns, one after the other.
 * Should the job be started while one still runs, `yield` makes it give way and start anew after the job.
 */
const gate = Healing.layer({ settings: { quietPeriod: "800 millis", onJobStart: "yield" } })

supervise.pipe(Effect.provide(Layer.merge(gate, NodeContext.layer)), NodeRuntime.runMain)
