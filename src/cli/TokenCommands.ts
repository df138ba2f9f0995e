/**
 * The commands for the tokens of those who come over TCP. They work on their files, whether or not the service runs.
 *
 * @internal
 */
import { dirname } from "node:path"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as RunFolder from "../http/RunFolder.js"
import * as Tokens from "../http/Tokens.js"
import { fileProblem } from "../internal/FileProblem.js"
import * as Asking from "./Asking.js"
import { failed, problemOf } from "./Problem.js"
import * as Screen from "./Screen.js"
import * as Where from "./Where.js"

const label = Args.text({ name: "label" }).pipe(
  Args.withDescription("A name for it, by which its decisions are written down")
)

/** The folder has to be one that nobody else can enter, whoever makes it. */
const folderOf = (where: Where.Where) =>
  Effect.gen(function* () {
    const { socket } = yield* Where.places(where)
    const { tokens } = yield* Effect.mapError(RunFolder.make(dirname(socket)), problemOf)
    return tokens
  })

const list = Command.make("list", { ...Where.options, json: Screen.options.json }, (options) =>
  Effect.gen(function* () {
    const warned: Array<string> = []
    const found = Tokens.all(yield* folderOf(options), (label, why) =>
      Effect.sync(() => void warned.push(`The token ${label} does not count: ${why}`))
    )
    const tokens = yield* Effect.mapError(found, (error) => failed(`The tokens cannot be read: ${fileProblem(error)}`))
    const shown = tokens.map(({ label, rights }) => ({ label, rights }))
    if (options.json) return yield* Screen.json(shown)
    yield* Screen.table(
      ["LABEL", "RIGHTS"],
      shown.map(({ label, rights }) => [label, rights]),
      "There is no token"
    )
    for (const line of warned) yield* Console.error(line)
  })
).pipe(Command.withDescription("The labels of the tokens, and what they are good for"))

const make = Command.make(
  "make",
  {
    ...Where.options,
    label,
    readOnly: Options.boolean("read-only").pipe(Options.withDescription("One that may only read"))
  },
  (options) =>
    Effect.gen(function* () {
      const rights = options.readOnly ? "read" : "all"
      const folder = yield* folderOf(options)
      const file = yield* Effect.mapError(Tokens.make(folder, { label: options.label, rights }), problemOf)
      yield* Console.log(`The token is in ${file}`)
    })
).pipe(Command.withDescription("Makes a token, into a file that only its user can read"))

const rotate = Command.make("rotate", { ...Where.options, ...Asking.options, label }, (options) =>
  Effect.gen(function* () {
    yield* Asking.confirm(`Make the token ${options.label} anew?`, options)
    const folder = yield* folderOf(options)
    const file = yield* Effect.mapError(Tokens.rotate(folder, options.label), problemOf)
    yield* Console.log(`The new token is in ${file}; the old one does not count any more`)
  })
).pipe(Command.withDescription("Makes a token anew; the old one does not count from then on"))

const revoke = Command.make("revoke", { ...Where.options, ...Asking.options, label }, (options) =>
  Effect.gen(function* () {
    yield* Asking.confirm(`Revoke the token ${options.label}?`, options)
    yield* Effect.mapError(Tokens.revoke(yield* folderOf(options), options.label), problemOf)
    yield* Console.log(`The token ${options.label} does not count any more`)
  })
).pipe(Command.withDescription("Removes a token, which does not count from then on"))

/** @internal */
export const command = Command.make("token").pipe(
  Command.withDescription("The tokens of those who come over TCP"),
  Command.withSubcommands([list, make, rotate, revoke])
)
