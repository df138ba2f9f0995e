import { NodeSocket } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Stream } from "effect"
import { type Activity, Supervisor } from "effect-healing"
import { OpenClawGateway } from "effect-healing/openclaw"
import { fastClock } from "../../support/fastClock.js"
import { isFull } from "../../support/property.js"
import { type Recording, recordings, worked } from "./recordings.js"
import { serve } from "./replay.js"

/** Times of the machine that plays a recording count as often as this. */
const SPEED = 10

/** How long after the gateway has accepted something the first sign of it may come: 0.42 seconds were recorded, and the replay takes time. */
const ONSET = 1000

/** How long it may take to see that a gateway has nothing to do. */
const TAIL = 8000

/** How long a gateway counts as busy that has just begun, and how long it may take to connect to it. */
const RESUMING = 13_000 + 10_000

const isIdle = (activity: Activity): boolean => activity._tag === "Known" && activity.running.length === 0

interface Told {
  readonly at: number
  readonly isIdle: boolean
}

/** All that the adapter says while a recording is played to it. */
const play = (recording: Recording) =>
  Effect.gen(function* () {
    const first = recording.frames[0]?.t ?? 0
    const last = recording.frames.at(-1)?.t ?? 0
    const clock = fastClock(first, SPEED)
    const told: Array<Told> = []
    let late = 0
    yield* Effect.gen(function* () {
      const { late: lateBy, url } = yield* serve(recording, clock, SPEED)
      const GatewayLive = OpenClawGateway.layer({ url, token: Redacted.make("t") }).pipe(
        Layer.provide(NodeSocket.layerWebSocketConstructor)
      )
      yield* Effect.gen(function* () {
        const { activity } = yield* Supervisor
        yield* Stream.runForEach(activity, (one) =>
          Effect.sync(() => told.push({ at: clock.unsafeCurrentTimeMillis(), isIdle: isIdle(one) }))
        ).pipe(Effect.timeoutOption(last - clock.unsafeCurrentTimeMillis()))
        late = lateBy()
      }).pipe(Effect.provide(GatewayLive))
    }).pipe(Effect.scoped, Effect.withClock(clock))
    return { told, late }
  })

/** The times in which the adapter has said that the gateway is idle. */
const idleTimes = (told: ReadonlyArray<Told>, end: number) =>
  told.flatMap((one, index) => (one.isIdle ? [{ from: one.at, to: told[index + 1]?.at ?? end }] : []))

const overlap = (a: { from: number; to: number }, b: { from: number; to: number }): number =>
  Math.min(a.to, b.to) - Math.max(a.from, b.from)

describe.runIf(isFull)("the recordings of a real gateway", () => {
  for (const recording of recordings) {
    it.concurrent(
      recording.name,
      () =>
        Effect.runPromise(
          Effect.gen(function* () {
            const { late, told } = yield* play(recording)
            const end = recording.frames.at(-1)?.t ?? 0
            const start = recording.frames[0]?.t ?? 0
            const idle = idleTimes(told, end)
            const times = worked(recording)
            const wrong = times.flatMap(({ from, to }) =>
              idle
                .filter((one) => overlap(one, { from: from + ONSET + 2 * late, to }) > 0)
                .map((one) => ({ idle: one.from - start, until: one.to - start, work: from - start }))
            )
            assert.deepStrictEqual(
              wrong,
              [],
              JSON.stringify(told.map(({ at, isIdle }) => [Math.round(at - start), isIdle]))
            )
            const tails = times.flatMap(({ to }) => {
              const next = idle.find((one) => one.to > to)
              return next === undefined ? [] : [Math.max(0, next.from - to)]
            })
            if (process.env.HEALING_FIGURES !== undefined) {
              const lags = times.map(({ from, to }) => Math.max(0, ...idle.map((one) => overlap(one, { from, to }))))
              console.log(
                recording.name,
                "onset",
                lags.map(Math.round).join(" "),
                "tail",
                tails.map(Math.round).join(" ")
              )
            }
            // In the end it is idle, unless the recording ends too soon after the last work, or after a start of the gateway.
            const [, again] = recording.frames.filter(
              ({ conn, frame }) => conn === "watch" && frame.payload?.type === "hello-ok"
            )
            const settled = Math.max(times.at(-1)?.to ?? start, again === undefined ? start : again.t + RESUMING)
            if (end - settled > TAIL + 2 * late) assert.isNotEmpty(idle)
          })
        ),
      120_000
    )
  }
})
