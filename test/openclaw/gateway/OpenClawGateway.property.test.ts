import * as Socket from "@effect/platform/Socket"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Stream } from "effect"
import * as fc from "effect/FastCheck"
import { type Activity, Supervisor } from "effect-healing"
import { OpenClawGateway } from "effect-healing/openclaw"
import { SteppedClock, SteppedScheduler } from "../../properties/Stepped.js"
import { parameters, patienceFor, restingProperty, runsOf } from "../../support/property.js"
import { Gateway, type Lateness } from "./simulated.js"

type Step =
  | { readonly do: "wait" }
  | { readonly do: "work"; readonly time: number; readonly isLoud: boolean }
  | { readonly do: "lose"; readonly code: number }
  | { readonly do: "freeze" | "stall"; readonly time: number }
  | { readonly do: "restart"; readonly away: number; readonly resumesAfter: number | undefined }
  | { readonly do: "late"; readonly late: Lateness }

const late = fc.record({
  up: fc.integer({ min: 0, max: 1400 }),
  down: fc.integer({ min: 0, max: 1400 }),
  event: fc.integer({ min: 0, max: 2000 })
})

const quiet = fc.oneof(
  fc.constant<Step>({ do: "wait" }),
  fc.record({
    do: fc.constant("work" as const),
    time: fc.oneof(fc.integer({ min: 1, max: 1500 }), fc.integer({ min: 1000, max: 40_000 })),
    isLoud: fc.boolean()
  }),
  fc.record({ do: fc.constant("late" as const), late })
)

const fault = fc.oneof(
  fc.record({ do: fc.constant("lose" as const), code: fc.constantFrom(1000, 1005, 1006, 1012) }),
  fc.record({ do: fc.constantFrom("freeze" as const, "stall" as const), time: fc.integer({ min: 100, max: 90_000 }) }),
  fc.record({
    do: fc.constant("restart" as const),
    away: fc.integer({ min: 0, max: 30_000 }),
    resumesAfter: fc.oneof(fc.constant(undefined), fc.integer({ min: 0, max: 4400 }))
  })
)

const scheduleOf = (step: fc.Arbitrary<Step>) =>
  fc.array(fc.record({ after: fc.integer({ min: 0, max: 9000 }), step }), { maxLength: 12 })

/** After so long an answer that was right when it was given is not taken for what is so now. */
const BLIND = 5000 + 3000

/** For so long everything is left alone in the end. */
const REST = 150_000

/** Longer than that no answer takes on its way. */
const SLOWEST = 2800

const isIdle = (activity: Activity | undefined): boolean => activity?._tag === "Known" && activity.running.length === 0

/** Plays a schedule, and looks at each instant at which anything happens. Says when the last sign of work came, and when it was idle from. */
const play = (schedule: ReadonlyArray<{ readonly after: number; readonly step: Step }>) => {
  const clock = new SteppedClock(1_700_000_000_000)
  const scheduler = new SteppedScheduler()
  const gateway = new Gateway(clock)
  let told: Activity | undefined
  let idleFrom: number | undefined
  const fiber = Effect.runFork(
    Effect.gen(function* () {
      const { activity } = yield* Supervisor
      yield* Stream.runForEach(activity, (one) => Effect.sync(() => (told = one)))
    }).pipe(
      Effect.provide(
        OpenClawGateway.layer({ token: Redacted.make("t") }).pipe(
          // As much of one as is used.
          Layer.provide(Layer.succeed(Socket.WebSocketConstructor, () => gateway.connect() as unknown as WebSocket))
        )
      ),
      Effect.withClock(clock)
    ),
    { scheduler }
  )
  const look = () => {
    scheduler.run()
    if (!isIdle(told)) {
      idleFrom = undefined
      return
    }
    idleFrom ??= gateway.now
    const { isResuming, now, toldAt, workingSince } = gateway
    assert.isFalse(isResuming, `it is idle at ${now}, and goes on with a run by itself`)
    if (workingSince === undefined) return
    assert.isUndefined(toldAt, `it is idle at ${now}, and was told at ${toldAt} of work since ${workingSince}`)
    assert.isAtMost(now - workingSince, BLIND, "it is idle, and something has run all the while")
  }
  const advance = (to: number) => {
    look()
    while (true) {
      const next = Math.min(gateway.next, ...clock.timers)
      if (next > to) break
      clock.jump(Math.max(next, gateway.now))
      look()
      while (gateway.step()) look()
    }
    clock.jump(to)
    look()
  }
  for (const { after, step } of schedule) {
    advance(gateway.now + after)
    if (step.do === "work") gateway.work(step.time, step.isLoud)
    else if (step.do === "lose") gateway.lose(step.code)
    else if (step.do === "freeze") gateway.freeze(step.time)
    else if (step.do === "stall") gateway.stall(step.time)
    else if (step.do === "restart") gateway.restart(step.away, step.resumesAfter)
    else if (step.do === "late") gateway.late = step.late
    look()
  }
  advance(gateway.now + REST)
  const { lastSign } = gateway
  fiber.unsafeInterruptAsFork(fiber.id())
  scheduler.run()
  return { idleFrom, lastSign }
}

describe("a gateway that does what it likes", () => {
  const runs = runsOf({ few: 40, many: 1500 })
  const file = "test/openclaw/gateway/OpenClawGateway.property.test.ts"

  const never = "is never idle once it was seen to work, until it has ended, and is idle in the end (R16)"
  it(
    never,
    () =>
      fc.assert(
        restingProperty(scheduleOf(fc.oneof(quiet, quiet, fault)), (schedule) => {
          assert.isDefined(play(schedule).idleFrom, "it has had nothing to do for long")
        }),
        parameters(runs, file, never)
      ),
    patienceFor(runs)
  )

  const soon = "is idle two seconds and an answer after the last sign of work"
  it(
    soon,
    () =>
      fc.assert(
        restingProperty(scheduleOf(quiet), (schedule) => {
          const { idleFrom, lastSign } = play(schedule)
          // One answer may still be on its way, when the question would be asked by which it is seen.
          assert.isAtMost((idleFrom ?? Number.POSITIVE_INFINITY) - lastSign, 2000 + 2 * SLOWEST + 2000)
        }),
        parameters(runs, file, soon)
      ),
    patienceFor(runs)
  )
})
