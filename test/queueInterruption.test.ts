/** R7 at every op of `submit`, `heal` and `cancel`: whatever is interrupted wherever, the queue still answers. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { HealError } from "effect-healing"
import { beforeOp, settle } from "./gate.js"
import { type Life, makeWorld } from "./queue.js"

type World = Effect.Effect.Success<ReturnType<typeof makeWorld>>

interface Sweep {
  /** What is interrupted. */
  readonly victim: (life: Life) => Effect.Effect<unknown, HealError>
  /** How it was before. */
  readonly before?: (life: Life) => Effect.Effect<unknown, HealError>
  /** Whether what was asked for has to be there afterwards. */
  readonly after: (states: ReadonlyArray<string>) => boolean
}

const sweeps: Record<string, Sweep> = {
  submit: {
    victim: ({ queue }) => queue.submit({ job: "x" }),
    after: (states) => states.length === 0 || states.join() === "x pending"
  },
  "submit, added to another": {
    before: ({ queue }) => queue.submit({ job: "x", trigger: "failure" }),
    victim: ({ queue }) => queue.submit({ job: "x" }),
    after: (states) => states.join() === "x pending"
  },
  "heal, waiting": {
    victim: ({ queue }) => queue.heal({ job: "x" }),
    after: (states) => states.length === 0 || states.join() === "x cancelled"
  },
  "heal, added to another": {
    before: ({ queue }) => queue.submit({ job: "x" }),
    victim: ({ queue }) => queue.heal({ job: "x" }),
    after: (states) => states.join() === "x pending"
  },
  "heal, reviewed": {
    before: ({ openClaw }) => openClaw.finished("A"),
    victim: ({ queue }) => queue.heal({ job: "x" }),
    after: (states) => states.length === 0 || states.join() === "x cancelled"
  },
  "cancel, of one that is pending": {
    before: ({ queue }) => queue.submit({ job: "x" }),
    victim: ({ queue }) => queue.cancel({ job: "x" }),
    after: (states) => states.join() === "x pending" || states.join() === "x cancelled"
  },
  "cancel, of one that is running": {
    before: ({ openClaw, queue }) =>
      Effect.all([openClaw.finished("A"), queue.submit({ job: "x" }), settle], { discard: true }),
    victim: ({ queue }) => queue.cancel({ job: "x" }),
    after: (states) => states.join() === "x running" || states.join() === "x cancelled"
  },
  pause: {
    victim: ({ queue }) => queue.pause,
    after: (states) => states.length === 0
  }
}

describe("interrupted before every op", () => {
  for (const [name, sweep] of Object.entries(sweeps)) {
    for (const [then, budget] of [
      ["go on", 2048],
      ["yield", 2048],
      ["go on", 16]
    ] as const) {
      it.scoped(`${name} (${then}, ${budget} ops before a yield)`, () =>
        Effect.gen(function* () {
          const world = yield* makeWorld({ cooldown: 0 })
          const life = yield* world.start
          let op = 0
          for (let reached = true; reached; ) {
            op++
            reached = yield* interruptBefore(world, life, sweep, op, then)
          }
          assert.isAbove(op, 10)
        }).pipe(Effect.withMaxOpsBeforeYield(budget))
      )
    }
  }
})

/** Whether the victim has so many ops. */
const interruptBefore = (world: World, life: Life, sweep: Sweep, op: number, then: "go on" | "yield") =>
  Effect.gen(function* () {
    const where = `before op ${op}`
    yield* world.sql`DELETE FROM healing_requests`
    yield* life.openClaw.started("A")
    if (sweep.before !== undefined) yield* sweep.before(life)
    let reached = false
    const victim: Fiber.RuntimeFiber<unknown, HealError> = yield* sweep.victim(life).pipe(
      beforeOp(
        op,
        () => {
          reached = true
          victim.unsafeInterruptAsFork(victim.id())
        },
        then
      ),
      Effect.fork
    )
    yield* settle
    // What nobody interrupts any more may wait for the end of a review.
    if (!reached) yield* Fiber.interrupt(victim)
    yield* Fiber.await(victim)
    yield* settle
    const states = yield* world.stored
    assert.isTrue(sweep.after(states), `${where}: ${states.join()}`)
    yield* stillAnswers(world, life, where)
    return reached
  })

const stillAnswers = (world: World, life: Life, where: string) =>
  Effect.gen(function* () {
    const { healing, openClaw, queue } = life
    yield* queue.resume
    yield* queue.cancel({ job: "x" })
    if ((yield* openClaw.running.get).idleSince === undefined) yield* openClaw.finished("A")
    const asked = yield* Effect.fork(queue.heal({ job: "y" }))
    yield* settle
    assert.deepStrictEqual(
      world.open.map(({ request }) => request.job),
      ["y"],
      where
    )
    yield* world.end("y")
    assert.strictEqual((yield* Fiber.join(asked)).job, "y")
    assert.deepStrictEqual(yield* queue.pending, [], where)
    const { running, waiting } = yield* healing.status.get
    assert.deepStrictEqual([waiting, running], [0, []], where)
  })
