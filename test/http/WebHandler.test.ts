import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Option, Scope } from "effect"
import { type Access, HealingHttp, Right, type Rights } from "effect-healing/http"
import { needs } from "../../src/http/Admitting.js"
import { json, makeHttpWorld } from "../support/httpWorld.js"

/** An app that knows who asks by a header. */
const makeApp = Effect.gen(function* () {
  const world = yield* makeHttpWorld()
  let rights: Rights = "all"
  let asked = 0
  const authorize = () =>
    Effect.sync((): Access => {
      asked++
      return { name: "anna", rights }
    })
  const handler = yield* HealingHttp.toWebHandler({ prefix: "/healing", authorize }).pipe(
    Effect.provide(Layer.succeedContext(world.context))
  )
  const ask = (path: string, init: RequestInit = {}) =>
    Effect.promise(async () => {
      const response = await handler(new Request(`https://app.example${path}`, init))
      return { status: response.status, headers: response.headers, text: await response.text() }
    })
  return {
    ...world,
    handler,
    ask,
    grant: (granted: Rights) => {
      rights = granted
    },
    asked: () => asked
  }
})

const post = (body: object = {}): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body)
})

describe("a mounted handler", () => {
  it.scopedLive("lets each one do what they may, and nothing else", () =>
    Effect.gen(function* () {
      const { ask, grant } = yield* makeApp
      const all: ReadonlyArray<Rights> = ["all", "read", "none", [], ...Right.literals.map((right) => [right])]
      for (const [name, needed] of needs) {
        const [method = "", path = ""] = name.split(" ")
        // A stream does not end by itself, and what it needs is looked at as for all others.
        if (path === "/events") continue
        const right = Option.getOrThrow(needed)
        for (const rights of all) {
          grant(rights)
          const { status, text } = yield* ask(`/healing${path.replace(/:\w+/, "x")}`, { method })
          const mayNot =
            right !== "nothing" &&
            rights !== "all" &&
            !(typeof rights === "string" ? rights === right : rights.includes(right))
          assert.strictEqual(status === 403, mayNot, `${name} with ${JSON.stringify(rights)}`)
          if (mayNot) assert.deepInclude(json(text), { _tag: "NotPermitted", needs: right })
        }
      }
    })
  )

  it.scopedLive("is found below its prefix only, and says so in its description", () =>
    Effect.gen(function* () {
      const { ask, asked } = yield* makeApp
      for (const path of ["/healing/status", "/healing/healthz", "/healing/openapi.json"]) {
        assert.strictEqual((yield* ask(path)).status, 200, path)
      }
      const before = asked()
      for (const path of ["/status", "/", "/healings/status", "/heal", "/healing/../x", "/HEALING/status"]) {
        const { status, text } = yield* ask(path)
        assert.deepStrictEqual([status, json(text)._tag], [404, "NoSuchAddress"], path)
      }
      assert.strictEqual(asked(), before)
      assert.strictEqual((yield* ask("/healing")).status, 404)
      assert.strictEqual((yield* ask("/healing/nothing")).status, 404)
      const description = json((yield* ask("/healing/openapi.json")).text)
      assert.deepStrictEqual(description.servers, [{ url: "/healing" }])
    })
  )

  it.scopedLive("writes down who has decided, by the name that the app gives", () =>
    Effect.gen(function* () {
      const { ask, propose, suggestions } = yield* makeApp
      const id = yield* propose
      const { status } = yield* ask(`/healing/suggestions/${id}/reject`, post({ reason: "no" }))
      assert.strictEqual(status, 200)
      const found = Option.getOrThrow(yield* suggestions.get(id))
      assert.deepStrictEqual([found.by, found.reason], [{ who: "anna", door: "app" }, "no"])
    })
  )

  it.scopedLive("takes nothing from pages of other origins, and nothing that is too large", () =>
    Effect.gen(function* () {
      const { ask, queue } = yield* makeApp
      const from = (headers: Record<string, string>) =>
        Effect.map(
          ask("/healing/requests", {
            ...post({ job: "digest" }),
            headers: { "content-type": "application/json", ...headers }
          }),
          ({ status }) => status
        )
      assert.strictEqual(yield* from({ origin: "https://evil.example" }), 403)
      assert.strictEqual(yield* from({ "sec-fetch-site": "cross-site" }), 403)
      assert.strictEqual((yield* queue.history()).length, 0)
      assert.strictEqual((yield* queue.pending).length, 0)
      assert.strictEqual(yield* from({ origin: "https://app.example", "sec-fetch-site": "same-origin" }), 202)
      const large = new Blob([new Uint8Array(100_000)]).stream()
      const streamed: RequestInit & { readonly duplex: "half" } = { method: "POST", body: large, duplex: "half" }
      const { status, text } = yield* ask("/healing/requests", streamed)
      assert.deepStrictEqual([status, json(text)._tag], [413, "BodyTooLarge"])
    })
  )

  it.scopedLive("says nothing of what breaks in the app", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      const handler = yield* HealingHttp.toWebHandler({
        authorize: () => Effect.die(new Error("the password is hunter2"))
      }).pipe(Effect.provide(Layer.succeedContext(world.context)))
      const response = yield* Effect.promise(() => handler(new Request("https://app.example/status")))
      const text = yield* Effect.promise(() => response.text())
      assert.deepStrictEqual([response.status, json(text)._tag], [500, "Broken"])
      assert.notInclude(text, "hunter2")
    })
  )

  it.scopedLive("ends its streams with its scope", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      const scope = yield* Scope.make()
      const handler = yield* HealingHttp.toWebHandler({
        authorize: () => Effect.succeed({ name: "a", rights: "read" })
      }).pipe(Effect.provide(Layer.succeedContext(world.context)), Scope.extend(scope))
      const response = yield* Effect.promise(() => handler(new Request("https://app.example/events")))
      assert.strictEqual(response.headers.get("content-type"), "text/event-stream")
      const whole = yield* Effect.fork(Effect.promise(() => response.text()))
      yield* Scope.close(scope, Exit.void)
      assert.include(yield* whole, "event: Snapshot")
    })
  )

  it("is not made without saying who may do what", () => {
    const open = [
      // @ts-expect-error: `authorize` is not there.
      HealingHttp.toWebHandler({ prefix: "/healing" }),
      // @ts-expect-error: there is no such right.
      HealingHttp.toWebHandler({ authorize: () => Effect.succeed({ name: "a", rights: ["write"] }) })
    ]
    assert.lengthOf(open, 2)
  })
})
