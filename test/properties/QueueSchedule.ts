/**
 * What may happen to the durable queue, in any order.
 */
import * as fc from "effect/FastCheck"
import * as Model from "./QueueModel.js"

/** Something that may happen; what it is about is only known in the world that it happens in. */
export type Draft = (world: Model.World) => ReadonlyArray<Model.Event>

export interface Schedule {
  readonly settings: Model.Settings
  readonly steps: ReadonlyArray<Draft>
}

const SECOND = 1000

const MINUTE = 60 * SECOND

const HOUR = 60 * MINUTE

/** An event about one of those that there are, if there are any. */
const about = <A, B>(
  all: (world: Model.World) => ReadonlyArray<A>,
  detail: fc.Arbitrary<B>,
  event: (chosen: A, detail: B, world: Model.World) => Model.Event
): fc.Arbitrary<Draft> =>
  fc.tuple(fc.nat(60), detail).map(([n, detail]) => (world) => {
    const candidates = all(world)
    const chosen = candidates[n % candidates.length]
    return chosen === undefined ? [] : [event(chosen, detail, world)]
  })

const nothing = fc.constant(undefined)

const some = <A>(value: fc.Arbitrary<A>): fc.Arbitrary<A | undefined> => fc.oneof(nothing, value)

const wish = fc.record({
  job: fc.constantFrom("a", "a", "b", "c", "d"),
  trigger: fc.constantFrom(undefined, "manual", "failure", "failure", "schedule", "sla_breach", "hourly"),
  priority: fc.constantFrom(undefined, undefined, undefined, -1, -15, -40),
  maxWait: fc.constantFrom(undefined, undefined, 0, SECOND, 5 * SECOND, MINUTE, 20 * MINUTE, Number.POSITIVE_INFINITY),
  runId: some(fc.nat(9).map((n) => `run ${n}`)),
  note: some(fc.nat(9).map((n) => `note ${n}`))
})

const submit = wish.map(
  (wish): Draft =>
    () => [{ _tag: "Submit", wish }]
)

const heal = wish.map(
  (wish): Draft =>
    ({ names }) => [{ _tag: "Heal", id: `c${names}`, wish }]
)

const leave = about(
  ({ callers }) => callers.filter(({ outcome }) => outcome === undefined),
  nothing,
  ({ id }) => ({ _tag: "Leave", id })
)

const cancelJob = about(
  () => ["a", "b", "c", "d"],
  nothing,
  (job) => ({ _tag: "CancelJob", job })
)

const cancelId = about(
  ({ requests }) => requests,
  nothing,
  ({ id }) => ({ _tag: "CancelId", id })
)

const pause: Draft = () => [{ _tag: "Pause" }]

const resume: Draft = () => [{ _tag: "Resume" }]

const started = fc.constantFrom("x", "y").map(
  (job): Draft =>
    () => [{ _tag: "Started", job }]
)

const finished = about(
  ({ jobs }) => jobs,
  nothing,
  (job) => ({ _tag: "Finished", job })
)

const text = fc.nat(99).map((n) => `text ${n}`)

/** Until when a limit is said to last, from now on. */
const limit = fc.constantFrom(undefined, undefined, SECOND, 5 * MINUTE, 3 * HOUR, 50 * HOUR)

const ending: fc.Arbitrary<(now: number) => Model.Ending> = fc.oneof(
  { weight: 6, arbitrary: text.map((text) => () => ({ _tag: "Completed" as const, text })) },
  {
    weight: 5,
    arbitrary: fc
      .tuple(
        fc.constantFrom("Backoff" as const, "Skipped" as const, "Skipped" as const, "Never" as const, "Die" as const),
        text
      )
      .map(([_tag, text]) => () => ({ _tag, text }))
  },
  {
    weight: 2,
    arbitrary: fc.tuple(text, limit).map(([text, by]) => (now: number) => ({
      _tag: "RateLimited" as const,
      text,
      until: by && now + by
    }))
  }
)

const end = about(
  (world) => Model.inState(world, "running"),
  ending,
  ({ id }, how, { ahead, now }) => ({ _tag: "End", id, how: how(now + ahead) })
)

const run = fc.constantFrom(-1, -10, -10, -25).map(
  (priority): Draft =>
    ({ names }) => [{ _tag: "Run", id: `r${names}`, priority }]
)

const endRun = about(
  ({ runs }) => runs.filter(({ phase }) => phase === "running"),
  nothing,
  ({ id }) => ({ _tag: "EndRun", id })
)

/** By so much, or to an instant at which something is due, or to a little before or after it. */
const time: fc.Arbitrary<Draft> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.constantFrom(1, 500, SECOND, 5 * SECOND, 30 * SECOND, MINUTE, 10 * MINUTE, HOUR, 24 * HOUR).map(
      (by): Draft =>
        ({ now }) => [{ _tag: "Advance", to: now + by }]
    )
  },
  {
    weight: 3,
    arbitrary: about(Model.instants, fc.constantFrom(0, 0, 0, -1, 1), (instant, off, { now }) => ({
      _tag: "Advance",
      to: Math.max(now, instant + off)
    }))
  }
)

/** From seconds to months. */
const span = fc.constantFrom(2 * SECOND, 30 * SECOND, 10 * MINUTE, 5 * HOUR, 72 * HOUR, 2400 * HOUR)

const setClock = fc.tuple(span, fc.constantFrom(1, -1)).map(
  ([by, sign]): Draft =>
    () => [{ _tag: "SetClock", by: sign * by }]
)

/** For so long that no review has its timeout meanwhile: those end at an instant of their own. */
const suspend = fc.constantFrom(SECOND, 30 * SECOND, 10 * MINUTE, 5 * HOUR).map(
  (by): Draft =>
    (world) =>
      Model.inState(world, "running").some((running) => Model.timeout(world, running) <= world.now + by)
        ? []
        : [{ _tag: "Suspend", by }]
)

const crash: Draft = () => [{ _tag: "Crash" }]

const restart: Draft = () => [{ _tag: "Restart" }]

/** Of those that change one request only, since what happens to several may have happened to one of them. */
const cutOff = fc
  .tuple(fc.oneof(submit, end, end, cancelId, started, finished, fc.constantFrom(pause, resume)), fc.nat(3))
  .map(
    ([draft, commits]): Draft =>
      (world) =>
        draft(world).flatMap((event) =>
          event._tag === "Started" && Model.inState(world, "running").length > 1
            ? []
            : [{ _tag: "CutOff", event, commits }]
        )
  )

const weighted = (...weights: ReadonlyArray<readonly [number, fc.Arbitrary<Draft>]>): fc.Arbitrary<Draft> =>
  fc.oneof(...weights.map(([weight, arbitrary]) => ({ arbitrary, weight })))

const step = weighted(
  [24, submit],
  [14, heal],
  [5, leave],
  [2, cancelJob],
  [2, cancelId],
  [2, fc.constant(pause)],
  [5, fc.constant(resume)],
  [6, started],
  [12, finished],
  [28, end],
  [3, run],
  [6, endRun],
  [16, time],
  [6, setClock],
  [4, suspend],
  [3, cutOff],
  [3, fc.constant(crash)],
  [3, fc.constant(restart)]
)

export const schedule = (settings: Pick<Model.Settings, "onJobStart" | "onMaxWait">): fc.Arbitrary<Schedule> =>
  fc.record({
    settings: fc.record({
      maxConcurrent: fc.constantFrom(1, 1, 2),
      onJobStart: fc.constant(settings.onJobStart),
      maxYields: fc.constantFrom(3, 3, 1),
      onMaxWait: fc.constant(settings.onMaxWait),
      quietPeriod: fc.constantFrom(0, SECOND),
      maxWait: fc.constant(5 * MINUTE),
      // At an instant at which nothing else happens.
      reviewTimeout: fc.constantFrom(5 * MINUTE + 7, 72 * HOUR + 7),
      maxAttempts: fc.constantFrom(1, 2, 3, 3),
      cooldown: fc.constantFrom(0, 10 * MINUTE, 10 * MINUTE),
      maxReviewsPerDay: fc.constantFrom(2, 100, 100),
      maxPending: fc.constantFrom(2, 100_000, 100_000)
    }),
    steps: fc.array(step, { minLength: 1, maxLength: 40, size: "max" })
  })
