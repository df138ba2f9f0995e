/**
 * The command `effect-healing`: all of its commands, its help, and how it ends.
 *
 * @internal
 */
import { stripVTControlCharacters } from "node:util"
import * as Args from "@effect/cli/Args"
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { doctor } from "./DoctorCommand.js"
import { move } from "./MoveCommand.js"
import * as NoticeCommands from "./NoticeCommands.js"
import * as Overview from "./Overview.js"
import { open } from "./PageCommand.js"
import { CODES, Problem } from "./Problem.js"
import * as QueueCommands from "./QueueCommands.js"
import * as ReadingCommands from "./ReadingCommands.js"
import { Screen } from "./Screen.js"
import * as SuggestionCommands from "./SuggestionCommands.js"
import * as TokenCommands from "./TokenCommands.js"

const NAME = "effect-healing"

const top = Command.make(NAME)

const shell = Args.choice(
  [
    ["bash", "bash"],
    ["zsh", "zsh"],
    ["fish", "fish"]
  ] as const,
  { name: "shell" }
)

type Completions = Command.Command<"completions", never, never, { readonly shell: "bash" | "zsh" | "fish" }>

/** All of them, with the one that is handed in. */
const withCommands = (completions: Completions) =>
  top.pipe(
    Command.withDescription("Reviews of supervised jobs: what runs, what waits and why, and what to decide"),
    Command.withSubcommands([
      ...ReadingCommands.commands,
      ...QueueCommands.commands,
      QueueCommands.watch,
      open,
      NoticeCommands.notices,
      ...NoticeCommands.commands,
      NoticeCommands.test,
      doctor,
      ...SuggestionCommands.commands,
      TokenCommands.command,
      move,
      completions
    ])
  )

const scriptOf = {
  bash: Command.getBashCompletions,
  zsh: Command.getZshCompletions,
  fish: Command.getFishCompletions
}

/** It completes itself as well. */
const completions: Completions = Command.make("completions", { shell }, ({ shell }) =>
  Effect.flatMap(scriptOf[shell](withCommands(completions), NAME), (lines) => Console.log(lines.join("\n")))
).pipe(Command.withDescription("A script that completes the words of this command in a shell"))

/** The first page of help, for which nothing has to be parsed. */
const isOverview = ([, , first, ...rest]: ReadonlyArray<string>): boolean =>
  first === undefined || (rest.length === 0 && ["--help", "-h", "help"].includes(first))

const overview = (version: string) =>
  Effect.flatMap(
    Overview.text(NAME, version, [
      ["Look", [...ReadingCommands.commands, NoticeCommands.notices, QueueCommands.watch, open]],
      ["Ask", [...QueueCommands.commands, ...NoticeCommands.commands]],
      ["Decide", SuggestionCommands.commands],
      ["Set up", [doctor, NoticeCommands.test, TokenCommands.command, move, completions]]
    ]),
    (text) => Console.log(text)
  )

/** Help is coloured by its library wherever it goes. */
const plain = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Screen> =>
  Effect.flatMap(Screen, ({ hasColours }) => {
    if (hasColours) return effect
    return Console.consoleWith((console) => {
      const strip = (args: ReadonlyArray<unknown>) =>
        args.map((arg) => (typeof arg === "string" ? stripVTControlCharacters(arg) : arg))
      return Console.withConsole(effect, {
        ...console,
        log: (...args) => console.log(...strip(args)),
        error: (...args) => console.error(...strip(args))
      })
    })
  })

/**
 * Runs it, says what is wrong on the standard error, and answers with the exit code.
 *
 * @internal
 */
export const run = (args: ReadonlyArray<string>, version: string) =>
  (isOverview(args)
    ? overview(version)
    : Command.run(withCommands(completions), { name: NAME, version, executable: NAME })(args)
  ).pipe(
    plain,
    Effect.as<number>(CODES.done),
    Effect.catchAll((error) => {
      if (ValidationError.isValidationError(error)) {
        return Effect.succeed(ValidationError.isHelpRequested(error) ? CODES.done : CODES.usage)
      }
      return error instanceof Problem
        ? Effect.as(error.message === "" ? Effect.void : Console.error(`error: ${error.message}`), error.code)
        : Effect.as(Console.error(`error: ${String(error)}`), CODES.failed)
    }),
    Effect.provide(CliConfig.layer({ showBuiltIns: false }))
  )
