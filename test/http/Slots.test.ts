import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option } from "effect"
import type { Caller } from "../../src/http/Rights.js"
import { LIMITS, Slots, whileWaiting } from "../../src/http/Slots.js"
import { settle } from "../support/gateWorld.js"

it.scoped("are of those who are being answered, and of nobody who waits", () =>
  Effect.gen(function* () {
    const slots = new Slots()
    const end = yield* Deferred.make<void>()
    const anna = { door: "http", name: "anna", rights: "read" } as const
    const bert = { door: "http", name: "bert", rights: "read" } as const
    const come = (caller: Pick<Caller, "door" | "name" | "rights">, effect: Effect.Effect<void>) =>
      Effect.forkScoped(slots.limited(slots.of(caller)(effect)))
    const come20 = (caller: Pick<Caller, "door" | "name" | "rights">) =>
      Effect.forEach(Array.from({ length: LIMITS.waiting }), () =>
        come(caller, Effect.orDie(whileWaiting(Deferred.await(end))))
      )
    const answered = (caller: Pick<Caller, "door" | "name" | "rights">) =>
      Effect.map(Effect.either(slots.limited(slots.of(caller)(Effect.succeed("answered")))), ({ _tag }) => _tag)

    const waiting = [...(yield* come20(anna)), ...(yield* come20(bert))]
    yield* settle
    assert.strictEqual((yield* Effect.flip(slots.of(anna)(whileWaiting(Effect.void))))._tag, "TooBusy")
    // As many as may be are answered beside them, of each and of all.
    const busy = yield* Effect.forEach(Array.from({ length: LIMITS.ofOne }), () => come(anna, Effect.never))
    yield* settle
    for (const one of busy) assert.isTrue(Option.isNone(yield* Fiber.poll(one)))
    assert.deepStrictEqual([yield* answered(anna), yield* answered(bert)], ["Left", "Right"])
    yield* Effect.forEach(Array.from({ length: LIMITS.all - LIMITS.ofOne }), () => come(bert, Effect.never))
    yield* settle
    assert.strictEqual(yield* answered({ ...anna, name: "cora" }), "Left")
    yield* Fiber.interruptAll(busy)
    assert.strictEqual(yield* answered(anna), "Right")
    // Those who have waited are among the others again until they are answered, and give their places back.
    yield* Deferred.succeed(end, undefined)
    yield* Fiber.awaitAll(waiting)
    for (let i = 0; i < 2 * LIMITS.ofOne; i++) assert.strictEqual(yield* answered(anna), "Right")
    assert.strictEqual(yield* slots.of(anna)(Effect.as(whileWaiting(Effect.void), "answered")), "answered")
  })
)
