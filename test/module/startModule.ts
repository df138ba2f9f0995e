/** What the tests of the module share: the module as a process, as PM2 would start it. */
import { fork } from "node:child_process"
import { Deferred, Effect, Exit, Runtime, Stream, SubscriptionRef } from "effect"
import { inTime } from "../pm2/makeDaemon.js"
import { bundle } from "../support/bundle.js"

const program = Effect.promise(() => bundle(new URL("../../src/module/main.ts", import.meta.url)))

/** What the module sends to PM2. */
interface Message {
  readonly type: string
  readonly data: { readonly action_name: string; readonly return?: string }
}

/** Killed at the end of the scope. */
export const startModule = (home: string, settings: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const lines = yield* SubscriptionRef.make<ReadonlyArray<string>>([])
    const messages = yield* SubscriptionRef.make<ReadonlyArray<Message>>([])
    const runSync = Runtime.runSync(yield* Effect.runtime())
    const exited = yield* Deferred.make<number | null>()
    const child = yield* Effect.acquireRelease(
      Effect.map(program, (main) =>
        fork(main, [], {
          execArgv: [],
          stdio: ["ignore", "pipe", "pipe", "ipc"],
          env: {
            PATH: process.env.PATH,
            PM2_HOME: home,
            // Of whoever has started PM2, which the module does not look at.
            HEALING_MAX_WAIT: "nonsense",
            ...settings,
            "effect-healing": JSON.stringify(settings)
          }
        })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    let rest = ""
    const read = (chunk: Buffer) => {
      const [last = "", ...whole] = (rest + chunk).split("\n").reverse()
      rest = last
      runSync(SubscriptionRef.update(lines, (all) => [...all, ...whole.reverse()]))
    }
    child.stdout?.on("data", read)
    child.stderr?.on("data", read)
    child.on("message", (message: Message) => runSync(SubscriptionRef.update(messages, (all) => [...all, message])))
    // Not `close`, which does not come when the channel was closed from here.
    child.on("exit", (code) => {
      const end = () => Deferred.unsafeDone(exited, Exit.succeed(code))
      if (child.stdout?.readableEnded === false) child.stdout.on("end", end)
      else end()
    })
    const replies = (all: ReadonlyArray<Message>) => all.filter(({ type }) => type === "axm:reply")
    /** As PM2 does for `pm2 trigger`. */
    const trigger = (action: string, argument?: string) =>
      Effect.gen(function* () {
        const before = replies(yield* SubscriptionRef.get(messages)).length
        yield* Effect.sync(() =>
          child.send(argument === undefined ? action : { msg: action, opts: argument, name: "effect-healing" })
        )
        const all = yield* inTime(
          Stream.runHead(Stream.filter(messages.changes, (all) => replies(all).length > before)),
          `an answer to ${action}`
        )
        return all._tag === "Some" ? replies(all.value)[before]?.data.return : undefined
      })
    return {
      child,
      lines: SubscriptionRef.get(lines),
      messages: SubscriptionRef.get(messages),
      trigger,
      /** Asks for the status until it is as it should be. */
      status: (wanted: RegExp) =>
        inTime(
          Effect.repeat(trigger("status"), { until: (status = "") => wanted.test(status) }),
          `the status ${wanted.source}`
        ),
      /** There is such a line. */
      says: (wanted: RegExp) =>
        inTime(
          Stream.runHead(Stream.filter(lines.changes, (all) => all.some((line) => wanted.test(line)))),
          `the line ${wanted.source}`
        ),
      exited: inTime(Deferred.await(exited), "its end")
    }
  })
