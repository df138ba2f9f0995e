import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Option, Scope } from "effect"
import { type Access, HealingHttp, Right, type Rights } from "effect-healing/http"
import { needs } from "../../src/http/Admitting.js"
import * as Watchers from "../../src/http/Watchers.js"
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
          // Whether or not a body is wanted, there was none, and that breaks nothing.
          assert.notStrictEqual(status, 500, `${name} with ${JSON.stringify(rights)}: ${text}`)
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
      const breaking = [
        () => Effect.die(new Error("the password is hunter2")),
        () => {
          throw new Error("the password is hunter2")
        }
      ]
      for (const authorize of breaking) {
        const handler = yield* HealingHttp.toWebHandler({ authorize }).pipe(
          Effect.provide(Layer.succeedContext(world.context))
        )
        const response = yield* Effect.promise(() => handler(new Request("https://app.example/status")))
        const text = yield* Effect.promise(() => response.text())
        assert.deepStrictEqual([response.status, json(text)._tag], [500, "Broken"])
        assert.notInclude(text, "hunter2")
      }
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

  it.scopedLive("gives back the places of those who watch, however they go", () =>
    Effect.gen(function* () {
      const { handler, queue } = yield* makeApp
      const limit = Watchers.LIMITS.ofOne
      const events = (init: RequestInit = {}) =>
        Effect.promise(() => handler(new Request("https://app.example/healing/events", init)))
      const isFree = Effect.gen(function* () {
        const one = yield* events()
        yield* Effect.promise(async () => one.body?.cancel())
        return one.status === 200
      })
      for (let i = 0; i <= limit; i++) assert.strictEqual((yield* events({ method: "HEAD" })).status, 200)
      assert.isTrue(yield* isFree)
      // Gone while nobody reads what they would get.
      const gone = new AbortController()
      const all = yield* Effect.forEach(Array.from({ length: limit }), () => events({ signal: gone.signal }))
      assert.strictEqual((yield* events()).status, 429)
      gone.abort()
      assert.isTrue(yield* isFree)
      assert.lengthOf(all, limit)
      // Those who never read, and are told more than can be made up for.
      const silent = yield* Effect.forEach(Array.from({ length: limit }), () => events())
      assert.strictEqual((yield* events()).status, 429)
      yield* queue.pause
      for (let i = 0; i < 6; i++) {
        yield* Effect.forEach(Array.from({ length: 200 }), () => queue.submit({ job: "digest" }), {
          concurrency: "unbounded"
        })
      }
      while (!(yield* isFree)) yield* Effect.sleep("10 millis")
      assert.lengthOf(silent, limit)
    })
  )

  it.scopedLive("answers whatever the app hands it", () =>
    Effect.gen(function* () {
      const { handler, queue } = yield* makeApp
      const ask = (request: Request) =>
        Effect.promise(async () => {
          const response = await handler(request)
          return [response.status, json(await response.text())._tag]
        })
      const address = "https://app.example/healing/requests"
      const used = new Request(address, post({ job: "digest" }))
      yield* Effect.promise(() => used.text())
      assert.deepStrictEqual(yield* ask(used), [400, "BadBody"])
      const locked = new Request(address, post({ job: "digest" }))
      locked.body?.getReader()
      assert.deepStrictEqual(yield* ask(locked), [400, "BadBody"])
      const breaks = new ReadableStream({ pull: (controller) => controller.error(new Error("the cable")) })
      const broken: RequestInit & { readonly duplex: "half" } = { method: "POST", body: breaks, duplex: "half" }
      assert.deepStrictEqual(yield* ask(new Request(address, broken)), [400, "BadBody"])
      // What never comes is not read for those who may not send it.
      const never = new ReadableStream({ pull: () => new Promise(() => {}) })
      const slow: RequestInit & { readonly duplex: "half" } = {
        method: "POST",
        body: never,
        duplex: "half",
        headers: { origin: "https://evil.example" }
      }
      assert.deepStrictEqual(yield* ask(new Request(address, slow)), [403, "OtherOrigin"])
      assert.lengthOf(yield* queue.pending, 0)
    })
  )

  it.scopedLive("is closed with its scope, for those who wait and those who come", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      const scope = yield* Scope.make()
      const handler = yield* HealingHttp.toWebHandler({
        authorize: () => Effect.succeed({ name: "a", rights: "all" })
      }).pipe(Effect.provide(Layer.succeedContext(world.context)), Scope.extend(scope))
      const ask = (path: string) =>
        Effect.promise(async () => {
          const response = await handler(new Request(`https://app.example${path}`))
          return [response.status, json(await response.text())._tag]
        })
      yield* world.openClaw.started("digest")
      const { id } = yield* world.queue.submit({ job: "digest" })
      const waits = yield* Effect.fork(ask(`/requests/${id}?wait=60s`))
      assert.deepStrictEqual((yield* ask("/status"))[0], 200)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* waits, [503, "Closed"])
      for (const path of ["/status", "/events"]) assert.deepStrictEqual(yield* ask(path), [503, "Closed"])
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
