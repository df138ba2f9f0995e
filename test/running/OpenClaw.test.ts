import { assert, describe, it } from "@effect/vitest"
import { Data, Effect, Exit, HashMap, Layer, Logger, Option, Scope, Stream } from "effect"
import * as FastCheck from "effect/FastCheck"
import { HealingConfig, OpenClaw, type RunningState, type Source } from "effect-healing"
import { settle } from "../support/gateWorld.js"

const openClaw = Effect.flatMap(Layer.build(Layer.provide(OpenClaw.layer, HealingConfig.layer())), (context) =>
  Effect.provide(OpenClaw, context)
)

class LostSocket extends Data.TaggedError("LostSocket")<{ readonly url: string }> {}

const instances = ({ jobs }: RunningState) =>
  Object.fromEntries(HashMap.toEntries(jobs).map(([job, running]) => [job, running.instances]))

describe("reports", () => {
  it.scoped("count instances; finished without started is ignored with a warning", () =>
    Effect.gen(function* () {
      const warned: Array<string> = []
      const logger = Logger.make(({ annotations }) => {
        warned.push(Option.getOrElse(Option.map(HashMap.get(annotations, "healing.job"), String), () => "?"))
      })
      const { finished, running, started } = yield* openClaw
      yield* Effect.gen(function* () {
        yield* finished("A")
        yield* started("A")
        yield* started("A")
        yield* started("B")
        assert.deepStrictEqual(instances(yield* running.get), { A: 2, B: 1 })
        yield* finished("A")
        yield* finished("B")
        assert.deepStrictEqual(instances(yield* running.get), { A: 1 })
        yield* finished("A")
        yield* finished("A")
        yield* started("A")
      }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
      assert.deepStrictEqual(instances(yield* running.get), { A: 1 }, "never below zero")
      assert.deepStrictEqual(warned, ["A", "A"])
    })
  )

  it.scoped("withJob reports the end whatever happens", () =>
    Effect.gen(function* () {
      const { running, withJob } = yield* openClaw
      const during = Effect.map(running.get, instances)
      assert.deepStrictEqual(yield* withJob("A")(withJob("A")(during)), { A: 2 })
      yield* Effect.exit(withJob("A")(Effect.fail("no")))
      yield* Effect.exit(withJob("A")(Effect.die("ouch")))
      yield* Effect.exit(withJob("A")(Effect.interrupt))
      assert.deepStrictEqual(instances(yield* running.get), {})
    })
  )

  it.scoped("another queue is another state", () =>
    Effect.gen(function* () {
      const { finished, running, runningIn, started } = yield* openClaw
      yield* started("A", "another")
      assert.deepStrictEqual(instances(yield* running.get), {})
      assert.deepStrictEqual(instances(yield* runningIn("another").get), { A: 1 })
      yield* finished("A", "another")
      assert.deepStrictEqual(instances(yield* runningIn("another").get), {})
    })
  )

  it.scoped("a slow subscriber gets the latest state instead of each", () =>
    Effect.gen(function* () {
      const { running, started } = yield* openClaw
      const seen: Array<number> = []
      yield* running.changes.pipe(
        Stream.runForEach((state) =>
          Effect.zipRight(
            Effect.sync(() => seen.push(state.started)),
            settle
          )
        ),
        Effect.forkScoped
      )
      yield* settle
      for (let i = 0; i < 1000; i++) yield* started("A")
      yield* settle
      yield* settle
      assert.strictEqual(seen[0], 0)
      assert.strictEqual(seen.at(-1), 1000)
      assert.isBelow(seen.length, 10)
    })
  )
})

describe("R16 sources", () => {
  it.scoped("the running state is the union of what they know", () =>
    Effect.gen(function* () {
      const { running, source, started } = yield* openClaw
      const one = yield* source("one")
      const two = yield* source("two")
      yield* started("A")
      yield* one.replace(["A", "B", "B"])
      yield* two.replace([])
      yield* two.started("B")
      assert.deepStrictEqual(instances(yield* running.get), { A: 2, B: 3 })
      yield* one.replace(["B"])
      assert.deepStrictEqual(instances(yield* running.get), { A: 1, B: 2 })
      yield* one.finished("B")
      yield* one.finished("B")
      assert.deepStrictEqual(instances(yield* running.get), { A: 1, B: 1 }, "each source counts for itself")
    })
  )

  it.scoped("unknown is never idle, and only a clean close ends a source", () =>
    Effect.gen(function* () {
      const { running, source } = yield* openClaw
      const unknown = Effect.map(running.get, (state) => {
        assert.strictEqual(state.idleSince === undefined, state.unknown.length > 0)
        return state.unknown
      })
      const scope = yield* Scope.make()
      const pm2 = yield* Scope.extend(source("pm2"), scope)
      assert.deepStrictEqual(yield* unknown, [{ name: "pm2", reason: "it has not reported yet" }])
      yield* pm2.replace([])
      assert.deepStrictEqual(yield* unknown, [])
      yield* pm2.unknown("x".repeat(1000))
      assert.strictEqual((yield* unknown)[0]?.reason.length, 200)
      yield* Scope.close(scope, Exit.fail(new LostSocket({ url: "with a secret" })))
      assert.deepStrictEqual(yield* unknown, [{ name: "pm2", reason: "it broke: LostSocket" }])
      yield* Effect.scoped(Effect.flatMap(source("pm2"), ({ replace }) => replace([])))
      assert.deepStrictEqual(yield* unknown, [], "another of its name takes its place, and closes cleanly")
    })
  )

  it.scoped("a list that throws while it is read changes nothing", () =>
    Effect.gen(function* () {
      const { running, source, started } = yield* openClaw
      const pm2 = yield* source("pm2")
      const broken = function* () {
        yield "A"
        throw new Error("half a list")
      }
      yield* Effect.exit(Effect.suspend(() => pm2.replace(broken())))
      yield* started("B")
      assert.deepStrictEqual((yield* running.get).unknown.length, 1)
    })
  )

  it.scoped("whatever an adapter breaks with, its source is unknown, or gone if there is a new one", () =>
    Effect.gen(function* () {
      const { running, source } = yield* openClaw
      const scope = yield* Scope.make()
      const old = yield* Scope.extend(source("pm2"), scope)
      yield* old.replace([])
      // A BigInt cannot be printed as JSON.
      yield* Scope.close(scope, Exit.fail({ since: 1n }))
      assert.strictEqual((yield* running.get).unknown.length, 1)

      const another = yield* Scope.make()
      yield* Scope.extend(source("pm2"), another)
      const successor = yield* source("pm2")
      yield* successor.replace(["A"])
      yield* Scope.close(another, Exit.fail("lost"))
      assert.deepStrictEqual((yield* running.get).unknown, [])
    })
  )

  it.scoped("a replaced list is never idle in between, and only what is new has started", () =>
    Effect.gen(function* () {
      const { running, source } = yield* openClaw
      const one = yield* source("one")
      yield* one.replace(["A", "B"])
      yield* one.replace(["B", "C"])
      const state = yield* running.get
      assert.deepStrictEqual([instances(state), state.started], [{ B: 1, C: 1 }, 3])
    })
  )

  it.effect.prop(
    "any reports: the union of counts that never go below zero",
    {
      steps: FastCheck.array(
        FastCheck.record({
          by: FastCheck.nat(2),
          report: FastCheck.constantFrom<"started" | "finished" | "replace">("started", "finished", "replace"),
          jobs: FastCheck.array(FastCheck.constantFrom("A", "B", "C"), { minLength: 1, maxLength: 3 })
        }),
        { maxLength: 30 }
      )
    },
    ({ steps }) =>
      Effect.gen(function* () {
        const { running, source } = yield* openClaw
        const sources: ReadonlyArray<Source> = [yield* source("0"), yield* source("1"), yield* source("2")]
        const model: ReadonlyArray<Array<string>> = [[], [], []]
        for (const { by, jobs, report } of steps) {
          const [source, known, job] = [sources[by], model[by], jobs[0]]
          assert(source !== undefined && known !== undefined && job !== undefined)
          if (report === "replace") {
            yield* source.replace(jobs)
            known.splice(0, known.length, ...jobs)
          } else {
            yield* source[report](job)
            if (report === "started") known.push(job)
            else if (known.includes(job)) known.splice(known.indexOf(job), 1)
          }
          const expected: Record<string, number> = {}
          for (const job of model.flat()) expected[job] = (expected[job] ?? 0) + 1
          assert.deepStrictEqual(instances(yield* running.get), expected)
        }
      }).pipe(Effect.scoped, Effect.provide(Logger.remove(Logger.defaultLogger)))
  )
})
