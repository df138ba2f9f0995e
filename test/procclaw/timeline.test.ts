import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import type { Activity } from "effect-healing"
import * as Watch from "../../src/procclaw/Watch.js"
import { fastClock } from "../support/fastClock.js"
import { isFull } from "../support/property.js"
import { type Sample, timeline, ZONE } from "./recordings.js"
import { replay } from "./replay.js"

/** Times of the machine that plays a recording count as often as this. */
const SPEED = 10

/** How long after the first act of an agent it may be seen: the audit log tells of it 10 to 94 milliseconds later, and the replay takes time. */
const ONSET = 1500

const isIdle = (activity: Activity): boolean => activity._tag === "Known" && activity.running.length === 0

/** What is said while a recording is played. */
const play = (name: string, samples: ReadonlyArray<Sample>, isSeen: boolean) =>
  Effect.gen(function* () {
    const first = samples[0]?.t ?? 0
    const last = samples.at(-1)?.t ?? 0
    const clock = fastClock(first, SPEED)
    const told: Array<{ readonly at: number; readonly isIdle: boolean }> = []
    let late = 0
    yield* Effect.gen(function* () {
      const { home, late: lateBy, machine, url } = yield* replay(name, samples, clock, SPEED, isSeen)
      const { activity } = yield* Watch.make({
        url: new URL(url),
        token: undefined,
        home,
        timeZone: ZONE,
        interval: 5000,
        suspectAfter: 600_000,
        openClaw: new Set(),
        exclude: new Set(),
        machine
      })
      yield* Stream.runForEach(activity, (one) =>
        Effect.sync(() => told.push({ at: clock.unsafeCurrentTimeMillis(), isIdle: isIdle(one) }))
      ).pipe(Effect.timeoutOption(last - clock.unsafeCurrentTimeMillis()))
      late = lateBy()
    }).pipe(Effect.scoped, Effect.withClock(clock))
    return { told, late }
  })

describe("the recordings of a real ProcClaw", () => {
  // The second state of the traps is another database, which begins anew.
  const traps = timeline("timeline-traps")
  const cases = [
    { name: "timeline", samples: timeline("timeline") },
    { name: "timeline-traps", samples: traps }
  ]
  for (const { name, samples } of cases) {
    for (const isSeen of [true, false]) {
      it.runIf(isFull).concurrent(
        `${name}, ${isSeen ? "by the processes" : "by the word of ProcClaw"}`,
        () =>
          Effect.runPromise(
            Effect.gen(function* () {
              const { late, told } = yield* play(name, samples, isSeen)
              const start = samples[0]?.t ?? 0
              const idleAt = (t: number) => told.findLast(({ at }) => at <= t)?.isIdle ?? false
              let workingSince: number | undefined
              let falselyBusy = 0
              let idle = 0
              const wrong: Array<number> = []
              for (const { changing, livePids, t } of samples) {
                if (livePids.length === 0) workingSince = undefined
                else workingSince ??= t
                if (changing === true) continue
                if (workingSince === undefined) {
                  if (idleAt(t)) idle++
                  else falselyBusy++
                } else if (t - workingSince > ONSET + 2 * late && idleAt(t)) wrong.push(t - start)
              }
              assert.deepStrictEqual(wrong, [], "it is idle while an agent works")
              if (process.env.HEALING_FIGURES !== undefined)
                console.log(name, isSeen, "idle", idle, "falsely busy", falselyBusy)
              assert.isAbove(idle, 0)
            })
          ),
        120_000
      )
    }
  }
})
