import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { HttpServerResponse } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Layer, Logger, Option, Redacted, Stream } from "effect"
import { Healing, HealingQueue, HealingStore, Reviewer } from "effect-healing"
import { HealingHttp } from "effect-healing/http"
import { needs } from "../../src/http/Admitting.js"
import { isNamed } from "../../src/http/Doors.js"
import * as Listener from "../../src/http/Listener.js"
import * as Slots from "../../src/http/Slots.js"
import * as Tokens from "../../src/http/Tokens.js"
import { type Answered, addressOf, json, makeHttpWorld, type Sent, send } from "../support/httpWorld.js"
import { isFull } from "../support/property.js"

/** An app with both doors, a suggestion that is approved, and a token of each kind. */
const makeDoors = Effect.gen(function* () {
  const world = yield* makeHttpWorld({ http: { port: 0, allowedHosts: ["build-7.lan"] } })
  const { socket, tokens, url = "" } = yield* world.serve
  const reading = yield* Effect.provide(Tokens.make(tokens, { label: "reader", rights: "read" }), NodeContext.layer)
  const approved = yield* world.propose
  const { seal } = yield* world.suggestions.preview(approved)
  yield* world.suggestions.approve(approved, { who: "anna", seal: seal ?? "" })
  const token = readFileSync(join(tokens, "first"), "utf8").trim()

  /** Everything that a write could change. */
  const state = Effect.gen(function* () {
    return JSON.stringify([
      yield* world.queue.pending,
      yield* world.queue.history(),
      yield* world.suggestions.steps(approved),
      (yield* world.suggestions.stopped).length,
      (yield* world.healing.status.get).holds,
      yield* world.notices.muted,
      readFileSync(world.file, "utf8"),
      readdirSync(world.root)
    ])
  })

  const bodies: Readonly<Record<string, object>> = {
    "/requests": { job: "digest" },
    "/suggestions/:id/approve": { seal },
    "/notices/mute": { job: "digest", for: "1 hour" },
    "/notices/unmute": { job: "digest" }
  }

  /** Each write, as it would be taken if nothing were wrong with it. */
  const writes = Array.from(needs.keys())
    // Who has the code of a link needs nothing else.
    .filter((name) => name.startsWith("POST ") && name !== "POST /page/session")
    .map((name): Sent & { readonly headers: Readonly<Record<string, string>> } => {
      const address = name.slice("POST ".length)
      const id = address.startsWith("/suggestions") ? approved : "healing:digest:1"
      return {
        method: "POST",
        path: address.replace(":id", encodeURIComponent(id)).replace(":job", "digest"),
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify(bodies[address] ?? {})
      }
    })
  return {
    ...world,
    socket,
    tokens,
    url,
    to: addressOf(url),
    token,
    reader: readFileSync(reading, "utf8").trim(),
    writes,
    state
  }
})

type Write = Effect.Effect.Success<typeof makeDoors>["writes"][number]

/** What may be wrong with a write, with what it is answered. */
const faults = (
  reader: string
): ReadonlyArray<readonly [name: string, status: number, tag: string, (write: Write) => Sent]> => {
  const withHeaders = (headers: Readonly<Record<string, string>>) => (write: Write) => ({
    ...write,
    headers: { ...write.headers, ...headers }
  })
  const changed = (change: (token: string) => string) => (write: Write) =>
    withHeaders({ authorization: `Bearer ${change((write.headers.authorization ?? "").slice("Bearer ".length))}` })(
      write
    )
  const without = (name: string) => (write: Write) => ({
    ...write,
    headers: Object.fromEntries(Object.entries(write.headers).filter(([key]) => key !== name))
  })
  return [
    ["no token", 401, "Unauthorized", without("authorization")],
    ["another token", 401, "Unauthorized", changed(() => `healing_all_${"A".repeat(43)}`)],
    [
      "nearly the token",
      401,
      "Unauthorized",
      changed((token) => `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`)
    ],
    ["the beginning of the token", 401, "Unauthorized", changed((token) => token.slice(0, -1))],
    ["more than the token", 401, "Unauthorized", changed((token) => `${token}A`)],
    ["a reader's token that says it is more", 401, "Unauthorized", changed(() => reader.replace("_read_", "_all_"))],
    [
      "the token as a password",
      401,
      "Unauthorized",
      (write) => withHeaders({ authorization: write.headers.authorization?.replace("Bearer", "Basic") ?? "" })(write)
    ],
    ["the token of a reader", 403, "NotPermitted", changed(() => reader)],
    ["another host", 421, "OtherHost", withHeaders({ host: "evil.example" })],
    ["a host that begins like ours", 421, "OtherHost", withHeaders({ host: "127.0.0.1.evil.example" })],
    ["another origin", 403, "OtherOrigin", withHeaders({ origin: "https://evil.example" })],
    ["an origin that is hidden", 403, "OtherOrigin", withHeaders({ origin: "null" })],
    ["an origin of another port", 403, "OtherOrigin", withHeaders({ origin: "http://127.0.0.1:1" })],
    ["another site", 403, "OtherOrigin", withHeaders({ "sec-fetch-site": "cross-site" })],
    ["a site beside ours", 403, "OtherOrigin", withHeaders({ "sec-fetch-site": "same-site" })],
    ["an address that somebody has typed", 403, "OtherOrigin", withHeaders({ "sec-fetch-site": "none" })],
    ["no JSON", 400, "BadBody", (write) => ({ ...write, body: "{" })],
    ["half a character", 400, "BadBody", (write) => ({ ...write, body: new Uint8Array([0x22, 0xc3]) })],
    ["a form", 415, "NotJson", withHeaders({ "content-type": "application/x-www-form-urlencoded" })],
    ["a text", 415, "NotJson", withHeaders({ "content-type": "text/plain" })],
    ["files", 415, "NotJson", withHeaders({ "content-type": "multipart/form-data; boundary=x" })],
    ["too much", 413, "BodyTooLarge", (write) => ({ ...write, body: `"${"x".repeat(65_536)}"` })],
    [
      "too much, little by little",
      413,
      "BodyTooLarge",
      (write) => ({ ...withHeaders({ "transfer-encoding": "chunked" })(write), body: `"${"x".repeat(100_000)}"` })
    ]
  ]
}

const tagOf = ({ text }: Answered): unknown => json(text)._tag

describe("the doors", () => {
  it.scopedLive("take no write with anything wrong, and nothing changes", () =>
    Effect.gen(function* () {
      const { reader, state, to, writes } = yield* makeDoors
      assert.isAbove(writes.length, 10)
      const before = yield* state
      // In `npm test`, each fault meets some of them.
      const tried = isFull ? writes : writes.filter((_, index) => index % 5 === 0)
      for (const write of tried) {
        for (const [name, status, tag, spoil] of faults(reader)) {
          const answered = yield* send(to, spoil(write))
          assert.deepStrictEqual([answered.status, tagOf(answered)], [status, tag], `${write.path} with ${name}`)
          assert.strictEqual(answered.headers["access-control-allow-origin"], undefined)
          assert.isDefined(json(answered.text).message)
          assert.notMatch(answered.text, /:\d+:\d+|node_modules|\/tmp\//)
        }
        assert.strictEqual(yield* state, before, write.path)
      }
    })
  )

  it.scopedLive("tell nothing to pages of other origins, and do nothing for them that costs something", () =>
    Effect.gen(function* () {
      const { socket, to, token, writes } = yield* makeDoors
      const preview = writes.find(({ path }) => path.endsWith("/apply"))?.path.replace("/apply", "/preview") ?? ""
      const headers = { authorization: `Bearer ${token}` }
      for (const path of ["/status", preview, "/events"]) {
        for (const from of [
          { origin: "https://evil.example" },
          { origin: "null" },
          { "sec-fetch-site": "cross-site" }
        ]) {
          const answered = yield* send(to, { path, headers: { ...headers, ...from } })
          assert.deepStrictEqual([answered.status, tagOf(answered)], [403, "OtherOrigin"], path)
          assert.strictEqual((yield* send({ socketPath: socket }, { path, headers: from })).status, 403)
        }
      }
      // One that somebody has typed, and one that our own page asks for.
      for (const from of [
        { "sec-fetch-site": "none" },
        { origin: `http://127.0.0.1:${to.port}`, "sec-fetch-site": "same-origin" }
      ]) {
        assert.strictEqual((yield* send(to, { path: "/status", headers: { ...headers, ...from } })).status, 200)
      }
    })
  )

  it.scopedLive("let nobody who waits keep others out", () =>
    Effect.gen(function* () {
      const { openClaw, queue, reader, socket, to, token } = yield* makeDoors
      yield* openClaw.started("digest")
      const { id } = yield* queue.submit({ job: "digest" })
      const waits = { path: `/requests/${id}?wait=60s`, headers: { authorization: `Bearer ${reader}` } }
      // One more than may wait: that one is told so, and nothing else is in anybody's way.
      const waiting = yield* Effect.forEach(Array.from({ length: Slots.LIMITS.waiting + 1 }), () =>
        Effect.fork(send(to, waits))
      )
      const refused = yield* Effect.raceAll(waiting.map(Fiber.join))
      assert.deepStrictEqual([refused.status, tagOf(refused)], [429, "TooBusy"])
      const many = yield* Effect.forEach(Array.from({ length: 30 }), () => send(to, { ...waits, path: "/status" }), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(new Set(many.map(({ status }) => status)), new Set([200]))
      assert.strictEqual((yield* send(to, { path: "/healthz" })).status, 200)
      const stop = { method: "POST", path: "/suggestions/stop" }
      assert.strictEqual((yield* send(to, { ...stop, headers: { authorization: `Bearer ${token}` } })).status, 204)
      assert.strictEqual((yield* send({ socketPath: socket }, stop)).status, 204)
      yield* openClaw.finished("digest")
      const statuses = (yield* Effect.forEach(waiting, Fiber.join)).map(({ status }) => status)
      assert.strictEqual(statuses.filter((status) => status === 429).length, 1)
      assert.strictEqual(statuses.filter((status) => status === 200).length, Slots.LIMITS.waiting)
    })
  )

  it.scopedLive("take names and ids of jobs as long as they may be, in any letters", () =>
    Effect.gen(function* () {
      const { queue, registry, suggestions, to, token, url } = yield* makeDoors
      const headers = { authorization: `Bearer ${token}` }
      const { api } = yield* HealingHttp.client({ url, token: Redacted.make(token) })
      for (const job of [
        "x".repeat(256),
        "漢".repeat(256),
        "a/b?c#d%25 é",
        "100% <b>&\u202e;",
        "%2F",
        "../x",
        "a b+c"
      ]) {
        yield* registry.add({ id: job })
        const found = yield* send(to, { path: `/jobs/${encodeURIComponent(job)}`, headers })
        assert.deepStrictEqual([found.status, json(found.text).id], [200, job])
        const { id } = yield* queue.heal({ job })
        const request = yield* send(to, { path: `/requests/${encodeURIComponent(id)}`, headers })
        assert.deepStrictEqual([request.status, json(request.text).job], [200, job])
        const suggestion = `suggestion:${job}:99.1`
        assert.isTrue(Option.isNone(yield* suggestions.get(suggestion)))
        const none = yield* send(to, { path: `/suggestions/${encodeURIComponent(suggestion)}`, headers })
        assert.deepStrictEqual([none.status, tagOf(none)], [404, "SuggestionNotFound"])
        // So does the typed client.
        assert.strictEqual((yield* api.jobs.get({ path: { job } })).id, job)
        assert.strictEqual((yield* api.requests.get({ path: { id }, urlParams: {} })).job, job)
        const noOne = yield* Effect.flip(api.suggestions.get({ path: { id: suggestion } }))
        assert.strictEqual(noOne._tag, "SuggestionNotFound")
      }
    })
  )

  it.scopedLive("answer what is deep, long or much with little", () =>
    Effect.gen(function* () {
      const { to, token } = yield* makeDoors
      const ask = (body: string) =>
        send(to, {
          method: "POST",
          path: "/requests",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body
        })
      const much = JSON.stringify(Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`key ${i}`, 1])))
      for (const body of [
        `{"job":${"[".repeat(30_000)}${"]".repeat(30_000)}}`,
        "[".repeat(30_000) + "]".repeat(30_000),
        '{"job":{"a":1}}',
        much.slice(0, 60_000).replace(/,[^,]*$/, "}"),
        JSON.stringify({ job: "x".repeat(60_000) }),
        JSON.stringify({ ["x".repeat(60_000)]: 1, job: "digest" }),
        JSON.stringify({ job: "digest", priority: "x".repeat(60_000) }),
        "7",
        "null",
        ""
      ]) {
        const answered = yield* ask(body)
        assert.strictEqual(answered.status, 400, body.slice(0, 50))
        assert.isBelow(answered.text.length, 20_000)
      }
    })
  )

  it.scopedLive("take each of these writes with nothing wrong, once for each key", () =>
    Effect.gen(function* () {
      const { state, to, writes } = yield* makeDoors
      const named = (path: string) => writes.filter((write) => write.path.endsWith(path))
      // Each of them changes something for the next one.
      const order = ["/withdraw", "/approve", "/apply", "/rollback", "/stop", "/resume", "/pause", "/requests"]
      for (const path of order) {
        for (const write of named(path).slice(0, 1)) {
          const keyed = {
            ...write,
            headers: { ...write.headers, "idempotency-key": path, origin: `http://${"127.0.0.1"}:${to.port}` }
          }
          const before = yield* state
          const first = yield* send(to, keyed)
          assert.oneOf(first.status, [200, 202, 204], `${path}: ${first.text}`)
          const after = yield* state
          if (path !== "/resume") assert.notStrictEqual(after, before, path)
          const again = yield* send(to, keyed)
          assert.deepStrictEqual([again.status, tagOf(again)], [409, "Repeated"], path)
          assert.strictEqual(yield* state, after, path)
        }
      }
      // One that has failed may be tried again.
      const [heal] = named("/requests")
      assert(heal !== undefined)
      const refused = { ...heal, headers: { ...heal.headers, "idempotency-key": "k" }, body: "{" }
      assert.strictEqual((yield* send(to, refused)).status, 400)
      assert.strictEqual((yield* send(to, { ...refused, body: heal.body ?? "" })).status, 202)
    })
  )

  it.scopedLive("tell those without a token only whether all is well", () =>
    Effect.gen(function* () {
      const { socket, to, token } = yield* makeDoors
      const paths = [
        ...Array.from(needs.keys()).flatMap((name) => (name.startsWith("GET ") ? [name.slice(4)] : [])),
        "/openapi.json",
        "/docs",
        "/",
        "/healthz/x",
        "/healthz%2f"
      ]
      for (const path of paths) {
        const answered = yield* send(to, { path })
        if (path === "/healthz") assert.deepStrictEqual([answered.status, answered.text], [200, '{"healthy":true}'])
        else assert.deepStrictEqual([answered.status, tagOf(answered)], [401, "Unauthorized"], path)
      }
      const known = yield* send(to, { path: "/healthz", headers: { authorization: `Bearer ${token}` } })
      assert.containsAllKeys(json(known.text), ["problems", "lastCommit"])
      assert.containsAllKeys(json((yield* send({ socketPath: socket }, { path: "/healthz" })).text), ["problems"])
      const wrong = yield* send(to, { path: "/healthz", headers: { authorization: "Bearer x" } })
      assert.strictEqual(wrong.status, 401)
    })
  )

  it.scopedLive("know the names of this machine", () =>
    Effect.gen(function* () {
      const { to, token } = yield* makeDoors
      const statusFor = (host: string) =>
        Effect.map(
          send(to, { path: "/status", headers: { host, authorization: `Bearer ${token}` } }),
          ({ status }) => status
        )
      for (const host of [
        "localhost",
        `LOCALHOST:${to.port}`,
        "127.0.0.1:80",
        "build-7.lan",
        "build-7.lan:9",
        "[::1]:1"
      ]) {
        assert.strictEqual(yield* statusFor(host), 200, host)
      }
      for (const host of ["build-7", "x.build-7.lan", "localhost.", "localhost:x", "[::1", "127.1"]) {
        assert.strictEqual(yield* statusFor(host), 421, host)
      }
      assert.isTrue(isNamed("a:80", ["a:80"]))
      assert.isFalse(isNamed("a:81", ["a:80"]))
      assert.isFalse(isNamed("a", ["a:80"]))
      assert.isFalse(isNamed(undefined, ["a"]))
    })
  )

  it.scopedLive("let a token in until it is revoked or rotated, and only if nobody else may read it", () =>
    Effect.gen(function* () {
      const { to, token, tokens } = yield* makeDoors
      const first = join(tokens, "first")
      const statusWith = (given: string) =>
        Effect.map(send(to, { path: "/status", headers: { authorization: `Bearer ${given}` } }), ({ status }) => status)
      const run = Effect.provide(NodeContext.layer)
      assert.strictEqual(statSync(first).mode & 0o777, 0o600)
      assert.strictEqual(statSync(tokens).mode & 0o777, 0o700)
      assert.strictEqual(yield* statusWith(token), 200)
      assert.strictEqual(yield* run(Tokens.rotate(tokens, "first")), first)
      assert.strictEqual(statSync(first).mode & 0o777, 0o600)
      const rotated = readFileSync(first, "utf8").trim()
      assert.match(rotated, /^healing_all_/)
      assert.deepStrictEqual([yield* statusWith(token), yield* statusWith(rotated)], [401, 200])
      for (const mode of [0o640, 0o604, 0o620]) {
        chmodSync(first, mode)
        assert.strictEqual(yield* statusWith(rotated), 401, mode.toString(8))
      }
      chmodSync(first, 0o600)
      assert.strictEqual(yield* statusWith(rotated), 200)
      yield* run(Tokens.revoke(tokens, "first"))
      assert.strictEqual(yield* statusWith(rotated), 401)
      for (const label of ["", ".x", "a/b", "..", "x".repeat(65), "a b"]) {
        const refused = yield* Effect.flip(run(Tokens.make(tokens, { label, rights: "all" })))
        assert.strictEqual(refused._tag, "HealingInvalid", label)
        assert.strictEqual((yield* Effect.flip(run(Tokens.revoke(tokens, label))))._tag, "HealingInvalid", label)
        assert.strictEqual((yield* Effect.flip(run(Tokens.rotate(tokens, label))))._tag, "HealingInvalid", label)
      }
      const twice = yield* Effect.flip(run(Tokens.make(tokens, { label: "reader", rights: "all" })))
      assert.include(twice.message, "there is a token with this label")
      // What is none does not count.
      writeFileSync(join(tokens, "own"), "my password\n", { mode: 0o600 })
      assert.strictEqual(yield* statusWith("my"), 401)
      assert.deepStrictEqual(
        (yield* run(Tokens.all(tokens))).map(({ label, rights }) => [label, rights]),
        [["reader", "read"]]
      )
    })
  )

  it.scopedLive("say nothing of a token, whatever happens", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const listening = Logger.replace(
        Logger.defaultLogger,
        Logger.make((entry) => void lines.push(Logger.stringLogger.log(entry)))
      )
      const found = yield* Effect.gen(function* () {
        const { to, token, tokens, url } = yield* makeDoors
        for (const path of ["/status", "/nothing", "/history?limit=x", "/requests/x", "/docs"]) {
          for (const given of [token, `${token}x`]) {
            const { headers, text } = yield* send(to, { path, headers: { authorization: `Bearer ${given}` } })
            assert.notInclude(text + JSON.stringify(headers), token)
          }
        }
        const [known] = yield* Effect.provide(Tokens.all(tokens), NodeContext.layer)
        const client = yield* HealingHttp.client({ url: `${url}/nowhere`, token: Redacted.make(token) })
        const failed = yield* Effect.flip(client.api.status.status())
        yield* Effect.logError("The client has failed", failed, Cause.fail(failed))
        return { token, shown: [String(known), JSON.stringify(known), String(failed)] }
      }).pipe(Effect.provide(listening), Effect.scoped)
      for (const text of [...lines, ...found.shown]) assert.notInclude(text, found.token)
      assert.isNotEmpty(lines)
    })
  )

  it.scopedLive("let nobody hold them open who sends little by little", () =>
    Effect.gen(function* () {
      const app = Effect.as(Effect.void, HttpServerResponse.text("here"))
      const quick = { ...Listener.LIMITS, headers: 100, request: 200, check: 20 }
      const port = yield* Listener.onPort(app, "127.0.0.1", 0, quick)
      const beginnings = [
        "",
        "G",
        "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123"
      ]
      /** Ends when the server has closed the connection. */
      const isClosed = (beginning: string) =>
        Effect.async<void>((resume) => {
          const socket = connect(port, "127.0.0.1", () => socket.write(beginning))
          socket.resume()
          socket.on("error", () => {})
          socket.on("close", () => resume(Effect.void))
          return Effect.sync(() => socket.destroy())
        })
      const slow = yield* Effect.fork(Effect.forEach(beginnings, isClosed, { concurrency: "unbounded" }))
      assert.strictEqual((yield* send({ host: "127.0.0.1", port }, { path: "/" })).text, "here")
      yield* slow.await
    })
  )
})

describe("where the API listens", () => {
  const problemOf = (settings: Parameters<typeof makeHttpWorld>[0], spoil: (folder: string) => void = () => {}) =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld(settings)
      spoil(`${world.database}-run`)
      return yield* Effect.map(Effect.flip(world.serve), ({ message }) => message)
    }).pipe(Effect.scoped)

  it.scopedLive("is a socket of its own, for this user only, and goes with the process", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      const mask = process.umask(0)
      yield* Effect.addFinalizer(() => Effect.sync(() => process.umask(mask)))
      const { socket, url } = yield* Effect.scoped(
        Effect.tap(world.serve, ({ socket }) =>
          Effect.gen(function* () {
            assert.strictEqual(socket, join(`${world.database}-run`, "api.sock"))
            assert.strictEqual(statSync(socket).mode & 0o777, 0o600)
            assert.strictEqual(statSync(`${world.database}-run`).mode & 0o777, 0o700)
            assert.strictEqual((yield* send({ socketPath: socket }, { path: "/status" })).status, 200)
          })
        )
      )
      assert.isUndefined(url)
      assert.isFalse(world.hasFile(socket))
      // What somebody has left there, a socket or a file, is in nobody's way; what another process has put there stays.
      writeFileSync(socket, "stale")
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* world.serve
          assert.strictEqual((yield* send({ socketPath: socket }, { path: "/status" })).status, 200)
          writeFileSync(`${socket}.other`, "theirs")
          renameSync(`${socket}.other`, socket)
        })
      )
      assert.strictEqual(readFileSync(socket, "utf8"), "theirs")
    })
  )

  for (const how of ["closed", "interrupted"] as const) {
    it.scopedLive(`is left when its scope is ${how}, also by those who wait and watch`, () =>
      Effect.gen(function* () {
        const world = yield* makeHttpWorld({ http: { port: 0 } })
        const isOpen = yield* Deferred.make<{
          readonly socket: string
          readonly tokens: string
          readonly url: string | undefined
        }>()
        const leave = yield* Deferred.make<void>()
        const opened = Effect.flatMap(world.serve, (open) => Deferred.succeed(isOpen, open))
        const served = yield* Effect.fork(Effect.scoped(Effect.zipRight(opened, Deferred.await(leave))))
        const { socket, tokens, url = "" } = yield* Deferred.await(isOpen)
        const headers = { authorization: `Bearer ${readFileSync(join(tokens, "first"), "utf8").trim()}` }
        yield* world.openClaw.started("digest")
        const { id } = yield* world.queue.submit({ job: "digest" })
        const waits = yield* Effect.fork(send(addressOf(url), { path: `/requests/${id}?wait=60s`, headers }))
        const { events } = yield* HealingHttp.client({ socket })
        const isGreeted = yield* Deferred.make<void>()
        const watches = yield* Effect.fork(Stream.runForEach(events(), () => Deferred.succeed(isGreeted, undefined)))
        yield* Deferred.await(isGreeted)
        if (how === "interrupted") yield* Fiber.interrupt(served)
        else yield* Effect.zipRight(Deferred.succeed(leave, undefined), Fiber.join(served))
        assert.strictEqual((yield* waits).status, 503)
        yield* Fiber.join(watches)
        assert.isFalse(world.hasFile(socket))
        const refused = yield* Effect.exit(Effect.sandbox(send(addressOf(url), { path: "/healthz" })))
        assert.isTrue(Exit.isFailure(refused))
        // The port is free again.
        yield* Effect.scoped(
          Listener.onPort(Effect.succeed(HttpServerResponse.empty()), "127.0.0.1", addressOf(url).port)
        )
      })
    )
  }

  it.scopedLive("is served once by one process", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      const { socket } = yield* world.serve
      const again = yield* Effect.flip(Effect.scoped(world.serve))
      assert.include(again.message, "this process listens there already")
      assert.strictEqual((yield* send({ socketPath: socket }, { path: "/status" })).status, 200)
    })
  )

  it.scopedLive("is refused where it would be open to others, or cannot be", () =>
    Effect.gen(function* () {
      const long = `/tmp/${"x".repeat(90)}`
      assert.include(yield* problemOf({ http: { folder: long } }), "at most 91 bytes")
      assert.isFalse((yield* Effect.sync(() => readdirSync("/tmp"))).includes("x".repeat(90)))
      assert.include(yield* problemOf({}, (folder) => writeFileSync(folder, "")), "a folder that can be made")
      assert.include(yield* problemOf({}, (folder) => symlinkSync("/tmp", folder)), "which is no folder")
      for (const mode of [0o755, 0o770, 0o701]) {
        const opened = yield* problemOf({}, (folder) => {
          mkdirSync(folder)
          chmodSync(folder, mode)
        })
        assert.include(opened, "which others may enter")
      }
      assert.include(yield* problemOf({ http: { port: 0, host: "0.0.0.0" } }), "http.allowed_hosts")
      assert.include(yield* problemOf({ http: { port: 0, host: "192.0.2.1", allowedHosts: ["a"] } }), "http.port")
    })
  )

  it.scopedLive("is refused for a port that somebody has, and for a store that nobody owns", () =>
    Effect.gen(function* () {
      const first = yield* makeHttpWorld({ http: { port: 0 } })
      const { url = "" } = yield* first.serve
      assert.include(yield* problemOf({ http: { port: addressOf(url).port } }), "EADDRINUSE")
      const inMemory = HealingHttp.layer.pipe(
        Layer.provide(HealingQueue.layer),
        Layer.provide(HealingStore.layerMemory),
        Layer.provide(Layer.succeed(Reviewer, { review: () => Effect.never })),
        Layer.provide(Healing.layer({ settings: { http: { folder: join(first.folder, "run") } } })),
        Layer.provide(NodeContext.layer)
      )
      const nobody = yield* Effect.flip(Effect.scoped(Layer.build(inMemory)))
      assert.include(nobody.message, "a store in a SQLite file, whose owner alone may listen")
    })
  )
})
