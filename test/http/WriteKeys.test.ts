import { HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import * as Door from "../../src/http/Door.js"
import * as WriteKeys from "../../src/http/WriteKeys.js"

it("remembers the last 10,000 keys, and frees only what is its own", () => {
  const keys = WriteKeys.make()
  const first = keys.take(["0"])
  assert.isDefined(first)
  assert.isUndefined(keys.take(["0"]))
  for (let i = 1; i <= 10_000; i++) assert.isDefined(keys.take([String(i)]))
  // It was forgotten, and somebody else has it by now.
  assert.isDefined(keys.take(["0"]))
  first?.()
  assert.isUndefined(keys.take(["0"]))
  const free = keys.take(["x", "y"])
  assert.isDefined(keys.take(["x,y"]))
  free?.()
  assert.isDefined(keys.take(["x", "y"]))
})

it.scoped("does nothing again of which it is not known whether it was done", () =>
  Effect.gen(function* () {
    const closing = yield* Deferred.make<void>()
    let writes = 0
    let status = 200
    const begun = yield* Deferred.make<void>()
    const goesOn = yield* Deferred.make<void>()
    const app = Effect.gen(function* () {
      writes++
      yield* Deferred.succeed(begun, undefined)
      yield* Deferred.await(goesOn)
      return HttpServerResponse.empty({ status })
    })
    const caller = { name: "anna", door: "http", rights: "all", isStillAdmitted: Effect.succeed(true) } as const
    const door = Door.make(app, closing)({ admit: () => Effect.succeed(caller) })
    const ask = (key: string) => {
      const request = new Request("http://localhost/x", { method: "POST", headers: { "idempotency-key": key } })
      return Effect.scoped(
        Effect.provideService(door, HttpServerRequest.HttpServerRequest, HttpServerRequest.fromWeb(request))
      )
    }
    // Its client has gone while it was being done.
    const gone = yield* Effect.fork(ask("a"))
    yield* Deferred.await(begun)
    yield* Fiber.interrupt(gone)
    yield* Deferred.succeed(goesOn, undefined)
    assert.deepStrictEqual([(yield* ask("a")).status, writes], [409, 1])
    for (const [key, answered, again] of [
      ["done", 204, 409],
      ["refused", 400, 400],
      ["late", 504, 409],
      ["broken", 500, 409],
      ["closed", 503, 409]
    ] as const) {
      status = answered
      assert.strictEqual((yield* ask(key)).status, answered)
      assert.strictEqual((yield* ask(key)).status, again, key)
    }
  })
)
