/**
 * What `pm2 trigger` calls: PM2's messages to a process that it has started, without its packages. It tells PM2 the names
 * of its actions, gets `"status"` or `{ msg: "heal", opts: "api" }` for a call, and answers it.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { oneLine } from "../text/OneLine.js"

/**
 * - `about`: what it does, in a few words.
 * - `run`: gets what stands behind its name in the call, and answers with what is printed.
 *
 * @internal
 */
export interface Action<R> {
  readonly about: string
  readonly run: (argument: string | undefined) => Effect.Effect<string, never, R>
}

/**
 * On one line, as PM2 prints it. Whatever goes wrong is what is answered.
 *
 * @internal
 */
export const answered = <E extends { readonly message: string }, R>(
  answer: Effect.Effect<string, E, R>
): Effect.Effect<string, never, R> =>
  answer.pipe(
    Effect.catchAll(({ message }) => Effect.succeed(message)),
    Effect.map(oneLine)
  )

const Call = Schema.Union(Schema.String, Schema.Struct({ msg: Schema.String, opts: Schema.optional(Schema.Unknown) }))

const decodeCall = Schema.decodeUnknownOption(Call)

/** Without a channel, or when it has closed, nobody hears it. */
const send = (type: string, data: Record<string, unknown>) =>
  Effect.sync(() => process.send?.({ type, data }, undefined, undefined, () => {}))

/**
 * Announces the actions, and answers calls of them for as long as the scope is open.
 *
 * @internal
 */
export const serve = <R>(actions: Readonly<Record<string, Action<R>>>): Effect.Effect<void, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const run = yield* FiberSet.makeRuntime<R>()
    const receive = (message: unknown) => {
      const call = Option.getOrUndefined(decodeCall(message))
      if (call === undefined) return
      const { msg, opts } = typeof call === "string" ? { msg: call, opts: undefined } : call
      const action = Object.hasOwn(actions, msg) ? actions[msg] : undefined
      if (action === undefined) return
      const argument = typeof opts === "string" && opts.trim() !== "" ? opts.trim() : undefined
      run(Effect.flatMap(action.run(argument), (answer) => send("axm:reply", { return: answer, action_name: msg })))
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => process.on("message", receive)),
      () => Effect.sync(() => process.off("message", receive))
    )
    for (const [name, { about }] of Object.entries(actions)) {
      yield* send("axm:action", { action_name: name, action_type: "custom", opts: { comment: about }, arity: 1 })
    }
  })

/**
 * Ends when PM2 has gone, and never if it was not PM2 that has started the process.
 *
 * @internal
 */
export const disconnected: Effect.Effect<void> = Effect.async((resume) => {
  const end = () => resume(Effect.void)
  process.once("disconnect", end)
  return Effect.sync(() => process.off("disconnect", end))
})
