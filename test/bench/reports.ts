/**
 * What a job pays for its two reports, with nobody and with very many waiting (R3).
 */
import { Effect, Stream, SubscriptionRef } from "effect"
import { Healing, HealingService, OpenClaw } from "../../src/index.js"
import { compare, millisEach, type Row, rowOf, size, times } from "./ratio.js"

const PAIRS = size(2000, 200)
const WAITING = size(100_000, 2000)

export const reports: Effect.Effect<ReadonlyArray<Row>> = Effect.gen(function* () {
  const openClaw = yield* OpenClaw
  const healing = yield* HealingService
  const started = openClaw.started("job")
  const finished = openClaw.finished("job")
  /** Each pair ends idle; between the batches another job keeps the healings waiting. */
  const ours = openClaw
    .finished("other")
    .pipe(
      Effect.zipRight(millisEach(PAIRS, times(PAIRS, Effect.zipRight(started, finished)))),
      Effect.zipLeft(openClaw.started("other"))
    )

  const ref = yield* SubscriptionRef.make(false)
  yield* Effect.forkScoped(Stream.runDrain(ref.changes))
  const floor = millisEach(
    PAIRS,
    times(PAIRS, Effect.zipRight(SubscriptionRef.set(ref, true), SubscriptionRef.set(ref, false)))
  )

  const compared = compare({ rounds: 15, warmUp: 3 }, ours, floor)
  yield* openClaw.started("other")
  const alone = yield* compared
  for (let i = 0; i < WAITING; i++) yield* Effect.fork(healing.run(`job-${i}`)(Effect.void))
  yield* Effect.repeat(Effect.sleep(1), {
    until: () => Effect.map(healing.status.get, ({ waiting }) => waiting === WAITING)
  })
  const crowded = yield* compared
  const { waiting } = yield* healing.status.get
  if (waiting < WAITING) return yield* Effect.dieMessage(`only ${waiting} still wait`)
  return [
    rowOf("`started` and `finished`, nobody waiting", alone, 1.5),
    rowOf(`\`started\` and \`finished\`, ${WAITING.toLocaleString("en")} waiting`, crowded, 1.5)
  ]
}).pipe(Effect.scoped, Effect.provide(Healing.layer()), Effect.orDie)
