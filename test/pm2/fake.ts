/** A PM2 that does what a real one cannot be made to do: it says what it is told to, when it is told to. */
import { mkdtempSync, rmSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Queue } from "effect"
import * as Amp from "../../src/pm2/daemon/Amp.js"

export const makeFake = Effect.gen(function* () {
  const home = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-healing-fake-"))),
    (home) => Effect.sync(() => rmSync(home, { recursive: true, force: true }))
  )
  const sockets = new Set<Net.Socket>()
  const servers: Array<Net.Server> = []
  /** The questions that nobody has answered yet. */
  const asked = yield* Queue.unbounded<(content: unknown) => Effect.Effect<void>>()
  const subscribers = new Set<Net.Socket>()
  const gone = yield* Queue.unbounded<void>()

  const listen = (name: string, onSocket: (socket: Net.Socket) => void) =>
    Effect.async<void>((resume) => {
      const server = Net.createServer((socket) => {
        sockets.add(socket)
        onSocket(socket)
        socket
          .on("error", () => {})
          .on("close", () => {
            sockets.delete(socket)
            subscribers.delete(socket)
            Queue.unsafeOffer(gone, undefined)
          })
      })
      servers.push(server)
      server.listen(join(home, name), () => resume(Effect.void))
    })

  const hangUp = Effect.sync(() => {
    for (const socket of sockets) socket.destroy()
  })
  const close = Effect.zipRight(
    hangUp,
    Effect.sync(() => {
      for (const server of servers.splice(0)) server.close()
    })
  )
  yield* Effect.addFinalizer(() => close)

  const open = Effect.zipRight(
    listen("pub.sock", (socket) => subscribers.add(socket.resume())),
    listen("rpc.sock", (socket) => {
      const read = Amp.makeReader((message) => {
        const [, id] = Amp.partsOf(message)
        Queue.unsafeOffer(asked, (content) => Effect.sync(() => socket.write(Amp.encode([content, id]))))
      })
      socket.on("data", read)
    })
  )
  const answer = (content: unknown) => Effect.flatMap(Queue.take(asked), (answer) => answer(content))
  return {
    home,
    open,
    close,
    hangUp,
    /** The next question, which is there already or comes. */
    asked: Queue.take(asked),
    answer,
    /** The next question is answered by these processes. */
    list: (...processes: ReadonlyArray<unknown>) => answer({ args: [processes] }),
    publish: (topic: string, payload: unknown) =>
      Effect.sync(() => {
        for (const socket of subscribers) socket.write(Amp.encode([topic, payload]))
      }),
    /** One of the two connections has ended. */
    gone: Queue.take(gone),
    connections: Effect.sync(() => sockets.size)
  }
})
