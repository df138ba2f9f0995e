/** R7 and R8 at every op: whatever is interrupted wherever, the gate holds nothing afterwards and still works. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, HashMap, Option, Runtime } from "effect"
import type { HealingClosed, HealingDeadlock, HealingSettingsInput, HealingTimeout } from "effect-healing"
import { makeGate, settle } from "../support/gateWorld.js"
import { beforeOp, nameOf, sweep, victimOf, ways } from "../support/interruptBeforeOp.js"

type Gate = Effect.Effect.Success<ReturnType<typeof makeGate>>

type Failure = "no" | HealingTimeout | HealingDeadlock | HealingClosed

interface Sweep {
  readonly settings: HealingSettingsInput
  /** What is interrupted. */
  readonly victim: (gate: Gate) => Effect.Effect<unknown, Failure>
  /** What goes on beside it. */
  readonly beside?: (gate: Gate) => Effect.Effect<unknown>
  /** How it was before. */
  readonly before?: (gate: Gate) => Effect.Effect<unknown>
}

const someOps = Effect.repeatN(Effect.yieldNow(), 2)

const sweeps: Record<string, Sweep> = {
  "run, waiting for a job": {
    settings: { maxWait: "1 hour" },
    before: ({ openClaw }) => openClaw.started("A"),
    victim: ({ healing }) => healing.run("X")(someOps),
    beside: ({ openClaw }) => Effect.zipRight(Effect.repeatN(Effect.yieldNow(), 6), openClaw.finished("A"))
  },
  "run, from grant to release": {
    settings: {},
    victim: ({ healing }) => healing.run("X")(someOps)
  },
  "run, as one of three": {
    settings: { maxWait: "1 hour" },
    victim: ({ healing }) => healing.run("X")(someOps),
    beside: ({ healing }) => Effect.ignore(Effect.all([healing.run("Y")(someOps), healing.run("Z")(someOps)]))
  },
  "run, failing": {
    settings: {},
    victim: ({ healing }) => healing.run("X")(Effect.zipRight(someOps, Effect.fail("no" as const)))
  },
  "run, in a child fiber": {
    settings: { onJobStart: "yield" },
    victim: ({ healing }) => healing.run("X")(someOps)
  },
  "run, yielding": {
    settings: { onJobStart: "yield", maxYields: 2 },
    victim: ({ healing }) => healing.run("X")(Effect.repeatN(Effect.yieldNow(), 8)),
    beside: ({ openClaw }) => Effect.repeatN(openClaw.withJob("A")(someOps), 3)
  },
  "run, overdue": {
    settings: { onMaxWait: "run", maxWait: 0 },
    before: ({ openClaw }) => openClaw.started("B"),
    victim: ({ healing }) => healing.run("X")(someOps)
  },
  started: {
    settings: {},
    victim: ({ openClaw }) => openClaw.started("A"),
    beside: ({ openClaw }) => openClaw.started("B")
  },
  finished: {
    settings: {},
    before: ({ openClaw }) => openClaw.started("A"),
    victim: ({ openClaw }) => openClaw.finished("A"),
    beside: ({ openClaw }) => openClaw.started("B")
  },
  withJob: {
    settings: {},
    victim: ({ openClaw }) => openClaw.withJob("A")(someOps)
  },
  source: {
    settings: {},
    victim: ({ openClaw }) => Effect.scoped(Effect.flatMap(openClaw.source("pm2"), (source) => source.replace(["A"])))
  }
}

describe("interrupted before every op", () => {
  for (const [name, { beside = () => Effect.void, before, settings, victim }] of Object.entries(sweeps)) {
    for (const way of ways) {
      it.effect(nameOf(name, way), () =>
        sweep(way, 5, (op) =>
          Effect.gen(function* () {
            const gate = yield* makeGate({ quietPeriod: 0, ...settings })
            if (before !== undefined) yield* before(gate)
            const { fiber, isReached } = yield* victimOf(victim(gate), op, way.afterwards)
            const besides = yield* Effect.forkScoped(beside(gate))
            yield* Fiber.await(fiber)
            yield* holdsNothing(gate, besides, `before op ${op}`)
            return isReached()
          }).pipe(Effect.scoped)
        )
      )
    }
  }
})

describe("R4, R6: somebody comes before any op of the fibers of the gate", () => {
  for (const way of ways) {
    it.effect(nameOf("and is told at once that a job runs", way), () =>
      sweep(way, 20, (op) =>
        Effect.gen(function* () {
          const runtime = yield* Effect.runtime<never>()
          let comes: Fiber.Fiber<unknown, unknown> | undefined
          let isArmed = false
          const gate: Gate = yield* makeGate({ quietPeriod: 0 }).pipe(
            beforeOp(
              op,
              () => {
                comes = Runtime.runFork(runtime)(gate.healing.run("Y", { maxWait: 0 })(Effect.void), {
                  immediate: true
                })
              },
              way.afterwards,
              () => isArmed
            )
          )
          yield* gate.openClaw.started("A")
          yield* settle
          isArmed = true
          // An earlier deadline each time, so that the gate has its alarm to set.
          for (const maxWait of ["3 minutes", "2 minutes", "1 minute"] as const) {
            yield* Effect.forkScoped(gate.healing.run("X", { maxWait })(someOps))
            yield* settle
          }
          isArmed = false
          if (comes === undefined) return false
          assert.isTrue(Option.isSome(yield* Fiber.poll(comes)), `before op ${op}`)
          return true
        }).pipe(Effect.scoped)
      )
    )
  }
})

const holdsNothing = (gate: Gate, beside: Fiber.Fiber<unknown>, where: string) =>
  Effect.gen(function* () {
    const { healing, openClaw } = gate
    yield* Fiber.join(beside)
    // An interrupted source is one that broke: another of its name makes it good.
    yield* Effect.scoped(openClaw.source("pm2"))
    const { jobs, unknown } = yield* openClaw.running.get
    assert.deepStrictEqual(unknown, [], where)
    for (const [job, { instances }] of jobs) {
      assert.strictEqual(instances, 1, where)
      yield* openClaw.finished(job)
    }
    assert.isTrue(HashMap.isEmpty((yield* openClaw.running.get).jobs), where)
    assert.strictEqual(yield* healing.run("after", { maxWait: 0 })(Effect.succeed("works")), "works", where)
    const { running, waiting } = yield* healing.status.get
    assert.deepStrictEqual([waiting, running], [0, []], where)
  })
