/**
 * A connection to a daemon of PM2 that runs: to what it publishes, and to what it answers.
 *
 * @internal
 */
import * as Net from "node:net"
import { join } from "node:path"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Amp from "./Amp.js"

/**
 * There is no connection, or no more; `reason` says why, without anything secret.
 *
 * @internal
 */
export class Pm2Lost extends Data.TaggedError("Pm2Lost")<{ readonly reason: string }> {}

/**
 * - `list`: what it answers to the question for its processes.
 * - `restart`: restarts the process in this slot, with the environment that it has. It ends when that has begun anew.
 * - `lost`: fails when the connection is.
 *
 * @internal
 */
export interface Client {
  readonly list: Effect.Effect<unknown, Pm2Lost>
  readonly restart: (slot: string) => Effect.Effect<void, Pm2Lost>
  readonly lost: Effect.Effect<never, Pm2Lost>
}

/** A daemon that has more to do than to answer for so long says nothing of use. */
const PATIENCE = "10 seconds"

/** It waits for the end of the old process, for as long as the `kill_timeout` of that says. */
const RESTART = "2 minutes"

/** The others, above all `log:out` and `log:err`, are thrown away unread. */
const topics = ["process:event", "process:exception", "log:PM2"]

/**
 * Connects, first to what is published, so that nothing is missed between the first list and the first message. No daemon
 * is started.
 *
 * - `receive`: what was published, within the turn of the event loop in which it has arrived.
 *
 * @internal
 */
export const open = (
  home: string,
  receive: (topic: string, payload: unknown) => void
): Effect.Effect<Client, Pm2Lost, Scope.Scope> =>
  Effect.gen(function* () {
    const lost = yield* Deferred.make<never, Pm2Lost>()
    const lose = (reason: string) => Deferred.unsafeDone(lost, Exit.fail(new Pm2Lost({ reason })))

    const connect = Effect.fnUntraced(function* (name: string, onMessage: (message: Buffer) => void) {
      const connected = yield* Deferred.make<void>()
      const read = Amp.makeReader(onMessage)
      const socket = yield* Effect.acquireRelease(
        Effect.sync(() =>
          Net.connect(join(home, name))
            .on("connect", () => Deferred.unsafeDone(connected, Exit.void))
            .on("error", (error) => lose(problemOf(error, home)))
            .on("close", () => lose("PM2 has closed the connection"))
            .on("data", (chunk) => {
              if (!read(chunk)) lose("PM2 has sent a message that is too long")
            })
        ),
        (socket) => Effect.sync(() => socket.destroy())
      )
      yield* Effect.raceFirst(Deferred.await(connected), Deferred.await(lost)).pipe(withPatience("does not answer"))
      return socket
    })

    yield* connect("pub.sock", (message) => {
      const topic = Amp.topicOf(message)
      if (topics.includes(topic)) receive(topic, Amp.partsOf(message)[1])
    })

    let asked = 0
    const asking = new Map<string, (content: unknown) => void>()
    const rpc = yield* connect("rpc.sock", (message) => {
      const [content, id] = Amp.partsOf(message)
      asking.get(String(id))?.(content)
    })

    /** `what`: what it is to do, in words. */
    const call = (method: string, arg: object, what: string, patience: Duration.DurationInput = PATIENCE) => {
      const answer = Effect.async<unknown, Pm2Lost>((resume) => {
        const id = `${++asked}`
        asking.set(id, (content) => {
          asking.delete(id)
          resume(answerOf(content, what))
        })
        rpc.write(Amp.encode([{ type: "call", method, args: [arg] }, id]))
        return Effect.sync(() => asking.delete(id))
      })
      // It never answers over a connection that was lost.
      return Effect.raceFirst(answer, Deferred.await(lost)).pipe(withPatience(`does not ${what}`, patience))
    }
    return {
      list: call("getMonitorData", {}, "list its processes"),
      restart: (slot) => Effect.asVoid(call("restartProcessId", { id: slot }, "restart a process", RESTART)),
      lost: Deferred.await(lost)
    }
  })

/** An answer is `{ args: [result] }`, or `{ error, stack }`, in which anything may stand. */
const answerOf = (content: unknown, what: string): Effect.Effect<unknown, Pm2Lost> =>
  typeof content === "object" && content !== null && "args" in content && Array.isArray(content.args)
    ? Effect.succeed(content.args[0])
    : new Pm2Lost({ reason: `PM2 has failed to ${what}` })

const withPatience = (what: string, patience: Duration.DurationInput = PATIENCE) =>
  Effect.timeoutFail({ duration: patience, onTimeout: () => new Pm2Lost({ reason: `PM2 ${what}` }) })

const problemOf = ({ code }: NodeJS.ErrnoException, home: string): string => {
  if (code === "ENOENT" || code === "ECONNREFUSED") return `no PM2 runs in ${home}`
  return code === "EACCES" ? `PM2 in ${home} belongs to somebody else` : `no connection to PM2 in ${home}`
}
