/**
 * A process of its own with a store in a file: `storeProcess <what> <file>`. It prints one line of JSON.
 *
 * - `open`: opens it and ends.
 * - `hold`: opens it, writes a request and stays.
 * - `fill`: opens it and writes batches of big requests until one fails.
 * - `nobody`: as `open`, without the rights of root.
 * - `serve <user>`: as this user, opens or writes what each line of its input names, `open <file>` or `commit <file>`, and answers each
 *   with a line of its own. It holds what it has opened.
 */
import { createInterface } from "node:readline"
import { NodeContext } from "@effect/platform-node"
import { Cause, Clock, Effect, identity, Layer, Logger, Scope, Stream } from "effect"
import { HealingStore } from "effect-healing"
import { aRequest, ended, insert, openStore } from "./storeSamples.js"

const print = (line: object) => Effect.sync(() => console.log(JSON.stringify({ pid: process.pid, ...line })))

const inFile = (filename: string) => openStore(Layer.provide(HealingStore.layerSqlite(filename), NodeContext.layer))

const fill = (store: Effect.Effect.Success<ReturnType<typeof inFile>>) =>
  Effect.gen(function* () {
    for (let batches = 0; ; batches++) {
      const numbers = Array.from({ length: 10 }, (_, i) => batches * 10 + i + 1)
      const commit = store.commit([
        ...numbers.map((number) => insert(ended(number, number, { report: { summary: "x".repeat(20_000) } }))),
        { _tag: "QueueState", state: { paused: false, rateLimitedUntil: null, rateLimits: batches + 1 } }
      ])
      const failure = Effect.match(commit, { onFailure: (error) => error, onSuccess: () => undefined })
      const error = yield* failure
      if (error !== undefined) {
        return { reason: error.reason, message: error.message, again: (yield* failure)?.reason, batches }
      }
    }
  })

/** Not before everything is loaded, which the others may not be allowed to read. */
const become = (user: number) =>
  Effect.gen(function* () {
    yield* Effect.scoped(inFile(":memory:"))
    yield* Effect.sync(() => {
      if (process.getuid?.() !== 0 || user === 0) return
      process.setgroups?.([])
      process.setgid?.(user)
      process.setuid?.(user)
    })
  })

const serve = (user: number) =>
  Effect.gen(function* () {
    yield* become(user)
    const scope = yield* Effect.scope
    const stores = new Map<string, Effect.Effect.Success<ReturnType<typeof inFile>>>()
    let number = user * 1000
    const answer = (line: string) => {
      const [what, filename = ""] = line.split(" ")
      const store = stores.get(filename)
      const done =
        what === "open"
          ? Effect.map(Scope.extend(inFile(filename), scope), (store) => void stores.set(filename, store))
          : Effect.suspend(() => store?.commit([insert(ended(++number, 1))]) ?? Effect.dieMessage("it is not open"))
      return Effect.match(done, {
        onFailure: ({ message, reason }) => ({ reason, message }),
        onSuccess: () => ({ holds: true })
      })
    }
    yield* Stream.fromAsyncIterable(
      createInterface({ input: process.stdin }),
      () => new Cause.UnknownException("no input")
    ).pipe(
      Stream.runForEach((line) => Effect.flatMap(answer(line), print)),
      Effect.orDie
    )
    return {}
  })

const main = (what: string | undefined, filename: string) =>
  Effect.gen(function* () {
    if (what === "serve") return yield* serve(Number(filename))
    if (what === "nobody") yield* become(65534)
    const store = yield* inFile(filename)
    if (what === "fill") return yield* fill(store)
    if (what === "hold") {
      yield* store.commit([insert(aRequest(1))])
      yield* print({ holds: true })
      return yield* Effect.never
    }
    return {}
  }).pipe(
    Effect.scoped,
    Effect.catchAll(({ message, reason }) => Effect.succeed({ reason, message })),
    Effect.flatMap(print)
  )

const [what, filename] = process.argv.slice(2)
// Effect.never alone keeps nothing alive.
if (what === "hold") setInterval(() => {}, 1_000_000)
/** Who waits for another process to notice something, does so in no time. */
const impatient = Object.assign(Clock.make(), { sleep: () => Effect.yieldNow() })
await Effect.runPromise(
  main(what, String(filename)).pipe(
    what === "serve" ? Effect.withClock(impatient) : identity,
    Effect.provide(Logger.remove(Logger.defaultLogger))
  )
)
