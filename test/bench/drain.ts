/**
 * What one healing costs when many that wait run one after the other, each with an asynchronous body.
 */
import { Deferred, Effect, Option } from "effect"
import { Healing, HealingService, OpenClaw } from "../../src/index.js"
import { bareTurn } from "./bareTurn.js"
import { beside, compare, isQuick, millisEach, type Row, rowOf } from "./ratio.js"

const COUNTS = isQuick ? [20, 100, 2000, 5000] : [100, 1000, 10_000, 100_000]

const body = Effect.promise(() => Promise.resolve())

/** Forks so many, lets them line up, and times from the go until the last has ended. */
const drained = <A, E, R, R2, R3>(
  count: number,
  one: Effect.Effect<A, E, R>,
  linedUp: Effect.Effect<void, never, R2>,
  go: Effect.Effect<void, never, R3>
) =>
  Effect.gen(function* () {
    const allEnded = yield* Deferred.make<void>()
    let left = count
    const ends = Effect.suspend(() => (--left === 0 ? Deferred.succeed(allEnded, void 0) : Effect.void))
    for (let i = 0; i < count; i++) yield* Effect.fork(Effect.zipRight(one, ends))
    yield* linedUp
    return yield* millisEach(count, Effect.zipRight(go, Deferred.await(allEnded)))
  })

const ours = (count: number) =>
  Effect.gen(function* () {
    const openClaw = yield* OpenClaw
    const healing = yield* HealingService
    yield* openClaw.started("job")
    const linedUp = Effect.repeat(Effect.sleep(1), {
      until: () => Effect.map(healing.status.get, (s) => s.waiting === count)
    })
    return yield* drained(count, healing.run("job")(body), linedUp, openClaw.finished("job"))
  })

const floor = (count: number, body: Effect.Effect<void>) =>
  Effect.suspend(() => {
    const bodies = Array.from({ length: count }, () => body)
    return millisEach(
      count,
      Effect.forEach(bodies, (body) => body, { discard: true })
    )
  })

const bareSemaphore = (count: number) =>
  Effect.gen(function* () {
    const semaphore = yield* Effect.makeSemaphore(1)
    yield* semaphore.take(1)
    return yield* drained(count, semaphore.withPermits(1)(body), Effect.sleep(10), Effect.asVoid(semaphore.release(1)))
  }).pipe(Effect.timeoutOption("1 minute"))

export const drain: Effect.Effect<ReadonlyArray<Row>> = Effect.gen(function* () {
  const rows: Array<Row> = []
  for (const count of COUNTS) {
    const rounds = count <= 1000 ? 15 : count <= 10_000 ? 7 : 3
    const compared = yield* compare({ rounds }, ours(count), floor(count, body))
    rows.push(rowOf(`one of ${count.toLocaleString("en")} waiting healings, drained`, compared, 4))
    if (count <= 1000) {
      const herd = yield* bareSemaphore(count)
      if (Option.isSome(herd))
        rows.push(beside(`- one of ${count.toLocaleString("en")} in \`withPermits(1)\``, herd.value, compared))
    }
  }
  const turns = yield* compare({ rounds: 15 }, floor(1000, bareTurn(body)), floor(1000, body))
  rows.push(rowOf("- the floor itself with a span, the metrics and `withPermits(1)`", turns, undefined))
  return rows
}).pipe(Effect.provide(Healing.layer({ settings: { quietPeriod: 0 } })), Effect.orDie)
