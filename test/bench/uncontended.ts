/**
 * One `run` with nobody waiting and nothing running, with the tracer and the metrics as they come.
 */
import { Effect } from "effect"
import { Healing, HealingService } from "../../src/index.js"
import { bareTurn } from "./bareTurn.js"
import { compare, millisEach, type Row, rowOf, size, times } from "./ratio.js"

const RUNS = size(2000, 100)

const cost = <A, E>(effect: Effect.Effect<A, E>) => millisEach(RUNS, times(RUNS, effect))

export const uncontended: Effect.Effect<ReadonlyArray<Row>> = Effect.gen(function* () {
  const healing = yield* HealingService
  const ours = healing.run("job")(Effect.void)
  const compared = yield* compare({ rounds: 15, warmUp: 3 }, cost(ours), cost(bareTurn(Effect.void)))
  return [rowOf("`run`, nobody waiting, nothing running", compared, 2)]
}).pipe(Effect.provide(Healing.layer({ settings: { quietPeriod: 0 } })), Effect.orDie)
