/** R7 at every op of `submit`, `heal` and `cancel`: whatever is interrupted wherever, the queue still answers. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { HealError } from "effect-healing"
import { settle } from "../support/gateWorld.js"
import { nameOf, sweep, victimOf, ways } from "../support/interruptBeforeOp.js"
import { type Life, makeQueueWorld } from "../support/queueWorld.js"

type World = Effect.Effect.Success<ReturnType<typeof makeQueueWorld>>

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
  for (const [name, { after, before, victim }] of Object.entries(sweeps)) {
    for (const way of ways) {
      it.scoped(nameOf(name, way), () =>
        Effect.gen(function* () {
          const world = yield* makeQueueWorld({ cooldown: 0 })
          const life = yield* world.start
          yield* sweep(way, 10, (op) =>
            Effect.gen(function* () {
              const where = `before op ${op}`
              yield* world.sql`DELETE FROM healing_requests`
              yield* life.openClaw.started("A")
              if (before !== undefined) yield* before(life)
              const { fiber, isReached } = yield* victimOf(victim(life), op, way.afterwards)
              yield* settle
              // What nobody interrupts any more may wait for the end of a review.
              if (!isReached()) yield* Fiber.interrupt(fiber)
              yield* Fiber.await(fiber)
              yield* settle
              const states = yield* world.stored
              assert.isTrue(after(states), `${where}: ${states.join()}`)
              yield* stillAnswers(world, life, where)
              return isReached()
            }).pipe(Effect.scoped)
          )
        }).pipe(Effect.withMaxOpsBeforeYield(way.budget))
      )
    }
  }
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
