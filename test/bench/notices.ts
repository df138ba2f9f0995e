/**
 * Reviews while a channel takes nothing, and much waits for it.
 */
import { NodeContext } from "@effect/platform-node"
import { Effect, Layer, Logger } from "effect"
import {
  Healing,
  HealingQueue,
  HealingStore,
  JobRegistry,
  type NotifyChannelInput,
  Reviewed,
  Reviewer
} from "../../src/index.js"
import { make } from "../../src/notify/Notice.js"
import { deliveryOf } from "../../src/notify/Telling.js"
import { notice } from "../../src/store/Change.js"
import { newFile } from "./disk.js"
import { compare, millisEach, type Row, rowOf, size, times } from "./ratio.js"

const PENDING = size(10_000, 100)
const RUNS = size(40, 2)

/** A port of this machine on which nobody listens. */
const DEAD = "http://127.0.0.1:9009/"

const pending = Array.from({ length: PENDING }, (_, index) =>
  notice({
    _tag: "Add",
    delivery: deliveryOf(
      make(
        { at: index, kind: "JobFailing", severity: "low", job: `job ${index}`, title: "It fails", todo: "Look at it" },
        `notice-${index}`
      ),
      "dead",
      true,
      Date.now()
    )
  })
)

/** A queue whose reviews take so long, with these channels. */
const queueWith = (review: Effect.Effect<Reviewed>, channels: Readonly<Record<string, NotifyChannelInput>>) =>
  Effect.gen(function* () {
    const live = Healing.layerSupervised({
      filename: yield* newFile,
      settings: { quietPeriod: 0, notify: { channels, maxPerHour: 1_000_000, retryFor: "365 days" } }
    }).pipe(
      Layer.provide(Layer.succeed(Reviewer, { review: () => review })),
      Layer.provide([JobRegistry.layer, NodeContext.layer, Logger.remove(Logger.defaultLogger)])
    )
    const context = yield* Layer.build(live)
    const queue = yield* Effect.provide(HealingQueue, context)
    if (Object.keys(channels).length > 0)
      yield* Effect.flatMap(Effect.provide(HealingStore, context), ({ commit }) => commit(pending))
    return { cost: millisEach(RUNS, times(RUNS, queue.heal({ job: "job" }))) }
  })

const row = (duration: string, review: Effect.Effect<Reviewed>, target?: number) =>
  Effect.gen(function* () {
    const { cost: dead } = yield* queueWith(review, { dead: { type: "webhook", url: DEAD } })
    const { cost: none } = yield* queueWith(review, {})
    const what = `a durable review${duration} with ${PENDING.toLocaleString("en")} notices for a dead channel, to one without a channel`
    return rowOf(what, yield* compare({ rounds: 5 }, dead, none), target)
  }).pipe(Effect.scoped)

const done = Effect.succeed(Reviewed.Completed({ report: { summary: "all is well" } }))

export const notices: Effect.Effect<ReadonlyArray<Row>> = Effect.gen(function* () {
  return [yield* row(" of 20 ms", Effect.delay(done, "20 millis"), 1.1), yield* row(" that takes no time", done)]
}).pipe(Effect.orDie)
