/**
 * Reviews while many watch the events of the API.
 */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { fileURLToPath } from "node:url"
import { NodeContext } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { HealingHttp } from "../../src/http/HealingHttp.js"
import { HealingQueue, Reviewed } from "../../src/index.js"
import { newFile, ours } from "./disk.js"
import { compare, millisEach, type Row, rowOf, size, times } from "./ratio.js"

const WATCHERS = size(100, 10)
const RUNS = size(30, 2)

/** A review takes so long at least. */
const REVIEW = "20 millis"

/** In a process of its own: what those do who watch costs the service nothing. */
const watch = async (socket: string) => {
  const all: Array<Socket> = []
  process.on("message", async (count: number) => {
    for (const one of all.splice(0)) one.destroy()
    for (let i = 0; i < count; i++) {
      const one = connect(socket)
      one.write("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
      await once(one, "data")
      one.on("data", () => {})
      all.push(one)
    }
    process.send?.(count)
  })
}

const [, file, socket] = process.argv
if (file === fileURLToPath(import.meta.url) && socket !== undefined) await watch(socket)

/** Has so many watch from now on. */
const have = (child: ChildProcess, count: number) =>
  Effect.promise(() => {
    const done = once(child, "message")
    child.send(count)
    return done
  })

export const watchers: Effect.Effect<ReadonlyArray<Row>> = Effect.gen(function* () {
  const review = Effect.delay(Effect.succeed(Reviewed.Completed({ report: { summary: "all is well" } })), REVIEW)
  const live = HealingHttp.layer.pipe(
    Layer.provideMerge(ours(yield* newFile, review)),
    Layer.provide(NodeContext.layer)
  )
  return yield* Effect.gen(function* () {
    const { socket } = yield* HealingHttp
    const queue = yield* HealingQueue
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => fork(fileURLToPath(import.meta.url), [socket])),
      (child) => Effect.sync(() => child.kill())
    )
    const cost = (count: number) =>
      Effect.zipRight(have(child, count), millisEach(RUNS, times(RUNS, queue.heal({ job: "job" }))))
    const compared = yield* compare({ rounds: 5 }, cost(WATCHERS), cost(0))
    return [
      rowOf(`a durable review of 20 ms while ${WATCHERS} watch the API, to one that nobody watches`, compared, 1.1)
    ]
  }).pipe(Effect.provide(live))
}).pipe(Effect.scoped, Effect.orDie)
