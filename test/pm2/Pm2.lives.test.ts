/** Lives of a real daemon of PM2, made up of whatever people and jobs may do next. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schedule, Stream } from "effect"
import * as fc from "effect/FastCheck"
import type { SupervisorError } from "effect-healing"
import { isFull } from "../support/property.js"
import { inTime, makeDaemon, type NeverCame, neverFalselyIdle, watch } from "./makeDaemon.js"

const job = fc.constantFrom("digest", "chat", "cluster")

const commands = ["stop", "restart", "reload", "delete"] as const

type Step =
  | { readonly what: "start" | "kill" }
  | { readonly what: (typeof commands)[number]; readonly job: string }
  | { readonly what: "scale"; readonly to: number }
  | { readonly what: "crash" | "end"; readonly job: string; readonly how: string }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant("start" as const) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("kill" as const) }) },
  { weight: 5, arbitrary: fc.record({ what: fc.constantFrom(...commands), job }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("scale" as const), to: fc.integer({ min: 1, max: 3 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constant("crash" as const),
      job,
      how: fc.constantFrom("exit 7", "throw boom", "kill SIGKILL", "kill SIGSEGV")
    })
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("end" as const), job, how: fc.constant("exit 0") }) }
)

const lives = fc.sample(fc.array(step, { minLength: 8, maxLength: 16 }), {
  numRuns: Number(process.env.HEALING_PM2_LIVES ?? 5),
  seed: Number(process.env.HEALING_SEED ?? 1)
})

const worded = (steps: ReadonlyArray<Step>): string =>
  steps.map(({ what, ...others }) => [what, ...Object.values(others)].join(" ")).join(", ")

describe.runIf(isFull)("a daemon of PM2", () => {
  for (const [index, steps] of lives.entries()) {
    it.scopedLive(
      `never looks idle while OpenClaw jobs run, and fails when they do, in life ${index + 1}`,
      () =>
        Effect.gen(function* () {
          const daemon = yield* makeDaemon
          const start = daemon.start(
            { name: "digest" },
            { name: "chat", autorestart: true, env: { HEALING_OPENCLAW: "while-up" } },
            { name: "cluster", exec_mode: "cluster", instances: 2 }
          )
          yield* start
          const { events, running, supervisor, told } = yield* watch({ home: daemon.home })
          const watched = yield* neverFalselyIdle(supervisor, daemon.alive, () => true)
          yield* running("chat", "cluster", "cluster", "digest")
          let crashes = 0

          /** Those that a former daemon has started: PM2 does not tell how they end. */
          const orphans = new Set<number>()
          const pidsOf = (job: string) => daemon.alive().flatMap((one) => (one.job === job ? [one.pid] : []))
          /** One process of the job does it, if there is one. Whether PM2 tells of it. */
          const make = (job: string, how: string) =>
            Effect.gen(function* () {
              const before = pidsOf(job)
              if (before.length === 0) return false
              yield* daemon.make(job, how)
              const isLeft = Effect.sync(() => before.every((pid) => pidsOf(job).includes(pid)))
              yield* inTime(
                Effect.repeat(isLeft, { while: (isLeft) => isLeft, schedule: Schedule.spaced("10 millis") }),
                how
              )
              const left = new Set(pidsOf(job))
              return before.some((pid) => !left.has(pid) && !orphans.has(pid))
            })

          const does = (step: Step): Effect.Effect<unknown, SupervisorError | NeverCame> => {
            switch (step.what) {
              case "start":
                return start
              case "kill":
                return Effect.gen(function* () {
                  const pid = yield* daemon.pid
                  for (const one of daemon.alive()) orphans.add(one.pid)
                  if (pid !== undefined) process.kill(pid, "SIGKILL")
                  yield* start
                  yield* supervisor.jobs
                })
              case "scale":
                return daemon.pm2("scale", "cluster", String(step.to))
              case "end":
                return make(step.job, step.how)
              case "crash":
                return Effect.gen(function* () {
                  if (!(yield* make(step.job, step.how))) return
                  yield* told(++crashes)
                })
              default:
                return daemon.pm2(step.what, step.job)
            }
          }
          // PM2 complains of what is not there.
          for (const step of steps) yield* Effect.catchAllDefect(does(step), () => Effect.void)
          const isRight = Effect.map(
            Stream.runHead(supervisor.activity),
            Option.exists(
              (activity) =>
                activity._tag === "Known" &&
                activity.running.join() ===
                  daemon
                    .alive()
                    .map(({ job }) => job)
                    .sort()
                    .join()
            )
          )
          yield* inTime(
            Effect.repeat(isRight, { until: (isRight) => isRight, schedule: Schedule.spaced("10 millis") }),
            "what lives"
          )
          assert.lengthOf(yield* events, crashes, worded(steps))
          yield* watched.assert
        }).pipe(Effect.tapErrorCause(() => Effect.logError(worded(steps)))),
      120_000
    )
  }
})
