import { readdirSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Deferred, Effect, Exit, Fiber, Option, Scope, Stream, TestClock, TestContext } from "effect"
import * as fc from "effect/FastCheck"
import { type ApiEvent, HealingHttp } from "effect-healing/http"
import * as EventFeed from "../../src/http/EventFeed.js"
import * as Watchers from "../../src/http/Watchers.js"
import { settle } from "../support/gateWorld.js"
import { makeHttpWorld } from "../support/httpWorld.js"
import { isFull, parameters, patienceFor, runsOf } from "../support/property.js"
import { quietStatus } from "../support/quietStatus.js"

/** What the feed says, as a client reads it: the numbers of events, and what they are. */
const read = (text: string) =>
  text
    .split("\n\n")
    .filter((block) => block.startsWith("id: "))
    .map((block) => {
      const [, start, number] = /^id: (\d+):(\d+)$/m.exec(block) ?? []
      const [, event = ""] = /^event: (.+)$/m.exec(block) ?? []
      const [, data = "{}"] = /^data: (.+)$/m.exec(block) ?? []
      return { start, number: Number(number), event, data: JSON.parse(data) as ApiEvent }
    })

const paused = (at: number): ApiEvent => ({ _tag: "Queue", at, event: "Paused", job: null, until: null, reason: null })

const status = quietStatus("0")

const makeFeed = EventFeed.make({
  snapshot: () => Effect.succeed({ _tag: "Snapshot", at: 0, status, queue: [], suggestions: [] }),
  current: () => Effect.succeed({ _tag: "Status", at: 0, status })
})

/** Someone who reads as much as the test says, and remembers it. */
const makeWatcher = (
  feed: EventFeed.EventFeed,
  lastId: string | undefined,
  options: { readonly name?: string; readonly admitted?: Effect.Effect<boolean> } = {}
) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    let isCut = false
    const watched = feed.watch({
      caller: options.name ?? "anna",
      lastId,
      isStillAdmitted: options.admitted ?? Effect.succeed(true),
      cut: () => {
        isCut = true
      }
    })
    const stream = yield* Scope.extend(watched, scope)
    if (Option.isNone(stream)) return undefined
    const turns = yield* Effect.makeSemaphore(0)
    const text: Array<string> = []
    const fiber = yield* Effect.forkDaemon(
      Stream.runForEach(stream.value.stream, (bytes) =>
        Effect.gen(function* () {
          text.push(new TextDecoder().decode(bytes))
          // As a connection that takes no more until somebody has read.
          yield* turns.take(1)
        })
      ).pipe(Effect.ensuring(Scope.close(scope, Exit.void)))
    )
    return {
      fiber,
      isCut: () => isCut,
      read: (count: number) => turns.release(count),
      text: () => text.join(""),
      seen: () => read(text.join("")),
      leave: Effect.zipRight(Fiber.interrupt(fiber), Scope.close(scope, Exit.void))
    }
  })

describe("the feed of events", () => {
  it.scoped("tells those who come what there is, then what happens, with ids that go on", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_763_900_000_000)
      const feed = yield* makeFeed
      yield* feed.publish(paused(1))
      const anna = yield* makeWatcher(feed, undefined)
      assert(anna !== undefined)
      yield* anna.read(100)
      yield* feed.publish(paused(2))
      yield* feed.publish(paused(3))
      yield* settle
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(
        anna.seen().map(({ event, number, start }) => [start, number, event]),
        [
          ["1763900000000", 1, "Snapshot"],
          ["1763900000000", 2, "Queue"],
          ["1763900000000", 3, "Queue"]
        ]
      )
      yield* anna.leave
      assert.strictEqual(feed.watchers(), 0)
      // Who comes again gets what was missed, and how it is by then; an id of another process, or of what is gone, a snapshot.
      yield* feed.publish(paused(4))
      for (const [lastId, expected] of [
        ["1763900000000:2", ["Queue 3", "Queue 4", "Status 4"]],
        ["1763900000000:4", ["Status 4"]],
        ["1763900000000:5", ["Snapshot 4"]],
        ["1763900000001:2", ["Snapshot 4"]],
        ["2", ["Snapshot 4"]],
        ["", ["Snapshot 4"]],
        ["1763900000000:-1", ["Snapshot 4"]]
      ] satisfies ReadonlyArray<readonly [string, ReadonlyArray<string>]>) {
        const again = yield* makeWatcher(feed, lastId)
        assert(again !== undefined)
        yield* again.read(100)
        yield* settle
        assert.deepStrictEqual(
          again.seen().map(({ event, number }) => `${event} ${number}`),
          expected,
          lastId
        )
        yield* again.leave
      }
    })
  )

  const runs = runsOf({ few: 8, many: 100 })

  it.effect(
    "misses nothing and tells nothing twice, whoever reads how slowly, and cuts off who is too late",
    () =>
      Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(
            fc.array(
              fc.oneof(
                fc.record({ tag: fc.constant("publish" as const), count: fc.constantFrom(1, 3, 700) }),
                fc.record({ tag: fc.constant("read" as const), who: fc.nat(3), count: fc.constantFrom(1, 10, 5000) }),
                fc.record({ tag: fc.constant("pass" as const), millis: fc.constantFrom(50, 100, 15_000) }),
                fc.record({ tag: fc.constant("return" as const), who: fc.nat(3) })
              ),
              { maxLength: 25 }
            ),
            (steps) =>
              Effect.gen(function* () {
                const feed = yield* makeFeed
                let published = 0
                const watchers = yield* Effect.forEach([0, 1, 2, 3], () => makeWatcher(feed, undefined))
                /** What each has seen over all of its visits. */
                const check = (index: number) => {
                  const watcher = watchers[index]
                  assert(watcher !== undefined)
                  const seen = watcher.seen()
                  const queue = seen.filter(({ event }) => event === "Queue").map(({ number }) => number)
                  for (const [i, number] of queue.entries())
                    if (i > 0) assert.strictEqual(number, (queue[i - 1] ?? 0) + 1)
                  for (const { data, event, number } of seen) if (event === "Queue") assert.strictEqual(data.at, number)
                  const [first] = seen
                  if (first?.event === "Snapshot" && queue[0] !== undefined)
                    assert.strictEqual(queue[0], first.number + 1)
                }
                for (const step of steps) {
                  if (step.tag === "publish") {
                    for (let i = 0; i < step.count; i++) yield* feed.publish(paused(++published))
                  } else if (step.tag === "read") yield* watchers[step.who]?.read(step.count) ?? Effect.void
                  else if (step.tag === "pass") yield* TestClock.adjust(step.millis)
                  else {
                    const watcher = watchers[step.who]
                    yield* watcher?.leave ?? Effect.void
                    const last = watcher?.seen().at(-1)
                    const lastId = last === undefined ? undefined : `${last.start}:${last.number}`
                    watchers[step.who] = yield* makeWatcher(feed, lastId)
                    yield* watchers[step.who]?.read(1) ?? Effect.void
                    yield* settle
                    const [greeting] = watchers[step.who]?.seen() ?? []
                    const isThere = last !== undefined && published - last.number <= 1024
                    assert.strictEqual(greeting?.event === "Snapshot", !isThere)
                    if (isThere && last.number < published) assert.strictEqual(greeting?.number, last.number + 1)
                  }
                  yield* settle
                  for (const index of watchers.keys()) check(index)
                }
                // Once everybody reads, each has everything, or was cut off.
                for (const watcher of watchers) yield* watcher?.read(1_000_000) ?? Effect.void
                yield* TestClock.adjust("1 second")
                yield* settle
                yield* TestClock.adjust("1 second")
                yield* settle
                for (const [index, watcher] of watchers.entries()) {
                  check(index)
                  assert(watcher !== undefined)
                  if (!watcher.isCut()) assert.strictEqual(watcher.seen().at(-1)?.number, published)
                  else assert.isTrue(Option.isSome(yield* Fiber.poll(watcher.fiber)))
                  yield* watcher.leave
                }
                assert.strictEqual(feed.watchers(), 0)
              }).pipe(Effect.scoped, Effect.provide(TestContext.TestContext), Effect.runPromise)
          ),
          parameters(runs, "test/http/EventFeed.test.ts", "misses nothing")
        )
      ),
    patienceFor(runs)
  )

  it.scoped("gives a sign of life each 15 seconds, and lets nobody watch who would not be let in any more", () =>
    Effect.gen(function* () {
      const feed = yield* makeFeed
      let isAdmitted = true
      const anna = yield* makeWatcher(feed, undefined, { admitted: Effect.sync(() => isAdmitted) })
      assert(anna !== undefined)
      yield* anna.read(1000)
      yield* settle
      const beats = () => anna.text().split(": still here").length - 1
      for (const expected of [1, 2, 3]) {
        yield* TestClock.adjust("15 seconds")
        yield* settle
        assert.strictEqual(beats(), expected)
      }
      isAdmitted = false
      // Also while there is much to tell.
      for (let i = 0; i < 15 && Option.isNone(yield* Fiber.poll(anna.fiber)); i++) {
        yield* feed.publish(paused(i))
        yield* TestClock.adjust("1 second")
        yield* settle
      }
      assert.isTrue(Option.isSome(yield* Fiber.poll(anna.fiber)))
      assert.strictEqual(feed.watchers(), 0)
    })
  )

  it.scoped("cuts off who takes nothing, and gives the place back", () =>
    Effect.gen(function* () {
      const feed = yield* makeFeed
      const silent = yield* makeWatcher(feed, undefined)
      const reads = yield* makeWatcher(feed, undefined)
      yield* reads?.read(1000) ?? Effect.void
      yield* settle
      for (let beats = 1; beats <= 4; beats++) {
        assert.strictEqual(feed.watchers(), 2)
        yield* TestClock.adjust("15 seconds")
        yield* settle
      }
      assert.deepStrictEqual([silent?.isCut(), reads?.isCut(), feed.watchers()], [true, false, 1])
    })
  )

  it.scoped("ends for all who watch, also while they are greeted", () =>
    Effect.gen(function* () {
      const greets = yield* Deferred.make<void>()
      const goesOn = yield* Deferred.make<void>()
      const feed = yield* EventFeed.make({
        snapshot: () => Effect.succeed({ _tag: "Snapshot", at: 0, status, queue: [], suggestions: [] }),
        current: () =>
          Deferred.succeed(greets, undefined).pipe(
            Effect.zipRight(Deferred.await(goesOn)),
            Effect.as<ApiEvent>({ _tag: "Status", at: 0, status })
          )
      })
      yield* feed.publish(paused(1))
      const greeted = yield* makeWatcher(feed, `${feed.start}:0`)
      const watches = yield* makeWatcher(feed, undefined)
      yield* greeted?.read(100) ?? Effect.void
      yield* watches?.read(100) ?? Effect.void
      yield* Deferred.await(greets)
      yield* settle
      yield* feed.end
      yield* Deferred.succeed(goesOn, undefined)
      yield* settle
      for (const one of [greeted, watches]) assert(one !== undefined && Option.isSome(yield* Fiber.poll(one.fiber)))
      assert.strictEqual(feed.watchers(), 0)
      assert.isUndefined(yield* makeWatcher(feed, undefined))
    })
  )

  it.scoped("has a limit for each caller and for all, and gives every place back", () =>
    Effect.gen(function* () {
      const feed = yield* makeFeed
      const come = (name: string) => makeWatcher(feed, undefined, { name })
      const all: Array<Effect.Effect.Success<ReturnType<typeof come>>> = []
      for (let i = 0; i < Watchers.LIMITS.ofOne; i++) all.push(yield* come("anna"))
      assert.isUndefined(yield* come("anna"))
      let others = 0
      while (feed.watchers() < Watchers.LIMITS.all) all.push(yield* come(`other ${others++}`))
      assert.isUndefined(yield* come("bert"))
      yield* all[0]?.leave ?? Effect.void
      assert.isDefined(yield* come("anna"))
      for (const watcher of all) yield* watcher?.leave ?? Effect.void
      assert.strictEqual(feed.watchers(), 1)
    })
  )

  it.scoped("tells a status once for many changes, and makes none for nobody", () =>
    Effect.gen(function* () {
      let made = 0
      const feed = yield* EventFeed.make({
        snapshot: () => Effect.succeed({ _tag: "Snapshot", at: 0, status, queue: [], suggestions: [] }),
        current: () =>
          Effect.sync((): ApiEvent => {
            made++
            return { _tag: "Status", at: 0, status }
          })
      })
      for (let i = 0; i < 10; i++) {
        yield* feed.statusChanged
        yield* TestClock.adjust("100 millis")
      }
      assert.strictEqual(made, 0)
      const anna = yield* makeWatcher(feed, undefined)
      assert(anna !== undefined)
      yield* anna.read(100)
      yield* settle
      for (let i = 0; i < 10; i++) {
        yield* feed.statusChanged
        yield* settle
      }
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.strictEqual(made, 2)
      assert.deepStrictEqual(
        anna.seen().map(({ event }) => event),
        ["Snapshot", "Status", "Status"]
      )
    })
  )
})

/** One that asks for events over this socket, and reads them or not. */
const watchOver = (path: string, reads: boolean) =>
  Effect.async<Socket>((resume) => {
    const socket = connect(path, () => socket.write("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    socket.on("error", () => {})
    if (reads) {
      socket.on("data", () => {})
      socket.once("data", () => resume(Effect.succeed(socket)))
    } else {
      socket.pause()
      socket.once("connect", () => resume(Effect.succeed(socket)))
    }
  })

/** What it is answered first. */
const greetedBy = (path: string) =>
  Effect.async<readonly [string, Socket]>((resume) => {
    const socket = connect(path, () => socket.write("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    socket.on("error", () => {})
    socket.once("data", (data) => resume(Effect.succeed([data.toString("latin1"), socket])))
  })

describe("streams of events", () => {
  it.scopedLive("tell what happens to requests and suggestions, and what runs and waits", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      const { socket } = yield* world.serve
      const { events } = yield* HealingHttp.client({ socket })
      const greeted = yield* Deferred.make<void>()
      let isRejected = false
      const seen = yield* Effect.fork(
        events().pipe(
          Stream.tap(() => Deferred.succeed(greeted, undefined)),
          Stream.tap(({ event }) =>
            Effect.sync(() => {
              isRejected ||= event._tag === "Suggestion" && event.event === "Rejected"
            })
          ),
          Stream.takeUntil(({ event }) => isRejected && event._tag === "Status"),
          Stream.runCollect
        )
      )
      yield* Deferred.await(greeted)
      yield* world.openClaw.started("digest")
      const { id } = yield* world.queue.submit({ job: "digest" })
      yield* world.openClaw.finished("digest")
      const suggestion = yield* Effect.zipRight(world.queue.await(id), world.propose)
      yield* world.suggestions.reject(suggestion, { who: "anna" })
      const all = Chunk.toReadonlyArray(yield* seen)
      const numbers = all.map(({ id }) => Number(id.split(":")[1]))
      assert.deepStrictEqual(
        numbers,
        numbers.toSorted((one, other) => one - other)
      )
      const names = all.map(({ event }) => ("event" in event ? `${event._tag} ${event.event}` : event._tag))
      assert.strictEqual(names[0], "Snapshot")
      assert.includeMembers(names, [
        "Status",
        "Request Submitted",
        "Request Started",
        "Request Ended",
        "Suggestion Proposed",
        "Suggestion Rejected"
      ])
      assert.notInclude(JSON.stringify(all), "proposedContent")
    })
  )

  const clients = isFull ? 1000 : 60

  it.scopedLive(`leave nothing behind of ${clients} who come, stall and go`, () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      const { socket } = yield* world.serve
      const { api } = yield* HealingHttp.client({ socket })
      const handles = () => process.getActiveResourcesInfo().filter((name) => name.startsWith("Pipe")).length
      const files = () => readdirSync("/proc/self/fd").length
      yield* api.status.status()
      const before = { handles: handles(), files: files() }
      const wave = Math.min(clients, 150)
      for (let come = 0; come < clients; come += wave) {
        const sockets = yield* Effect.forEach(Array.from({ length: wave }), (_, i) => watchOver(socket, i % 3 !== 0), {
          concurrency: 50
        })
        yield* world.queue.heal({ job: "digest" })
        for (const one of sockets) one.destroy()
      }
      // Everything that they held ends with them.
      const isOver = () => handles() <= before.handles && files() <= before.files
      while (!isOver()) yield* Effect.sleep("10 millis")
      assert.isTrue(isOver())
      assert.strictEqual((yield* api.status.status()).waiting, 0)
      // Nor do they keep a place: as many as may be can come.
      const most = isFull ? Watchers.LIMITS.ofOne : 20
      for (let i = 0; i < most; i++) {
        const [first, one] = yield* greetedBy(socket)
        yield* Effect.addFinalizer(() => Effect.sync(() => one.destroy()))
        assert.match(first, /^HTTP\/1\.1 200 /)
      }
    })
  )

  it.scopedLive.runIf(isFull)("cut off who does not read, while the others go on", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld({ maxReviewsPerDay: 100_000 })
      const { socket } = yield* world.serve
      const { api, events } = yield* HealingHttp.client({ socket })
      const stalled = yield* watchOver(socket, false)
      let seen = 0
      const reader = yield* Effect.fork(Stream.runForEach(events(), () => Effect.sync(() => seen++)))
      while (seen === 0) yield* Effect.sleep("1 millis")
      // More than can be made up for: the connection takes some of it.
      yield* world.queue.pause
      const wish = { job: "digest", note: "x".repeat(1000) }
      for (let round = 1; round <= 15; round++) {
        yield* Effect.forEach(Array.from({ length: 200 }), () => world.queue.submit(wish), { concurrency: "unbounded" })
        while (seen < 200 * round) yield* Effect.sleep("1 millis")
      }
      assert.isTrue(Option.isNone(yield* Fiber.poll(reader)))
      // It finds what it was sent before, and its end.
      yield* Effect.async<void>((resume) => {
        stalled.on("close", () => resume(Effect.void))
        stalled.resume()
      })
      assert.isBelow(stalled.bytesRead, 3000 * 1000)
      assert.strictEqual((yield* api.status.status()).waiting, 1)
    })
  )
})
