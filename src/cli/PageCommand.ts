/**
 * The command that opens the page.
 *
 * @internal
 */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { problemOf } from "./Problem.js"
import * as Screen from "./Screen.js"
import * as Where from "./Where.js"

/** @internal */
export const open = Command.make("open", { ...Where.options, json: Screen.options.json }, (options) =>
  Effect.gen(function* () {
    const { api } = yield* Where.client(options)
    const link = yield* Effect.mapError(api.page.link(), problemOf)
    if (options.json) return yield* Screen.json(link)
    yield* Console.log(link.url)
    yield* Console.error("It is good once, and for two minutes. Whoever has it decides under your name.")
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("A link that opens the page in a browser, good once and for two minutes"))
