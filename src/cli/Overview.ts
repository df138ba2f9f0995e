/**
 * The first page of help: all commands, in the order of who needs them.
 *
 * @internal
 */
import { stripVTControlCharacters } from "node:util"
import * as CliConfig from "@effect/cli/CliConfig"
import * as CommandDescriptor from "@effect/cli/CommandDescriptor"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Effect from "effect/Effect"
import { type Screen, styled } from "./Screen.js"

/** All that its help is made of. */
interface AnyCommand {
  readonly descriptor: CommandDescriptor.Command<unknown>
}

/** What its help says of it first. */
const aboutOf = (command: AnyCommand): string => {
  const help = stripVTControlCharacters(
    HelpDoc.toAnsiText(CommandDescriptor.getHelp(command.descriptor, CliConfig.defaultConfig))
  )
  const [, about = ""] = /DESCRIPTION\s+(.+)/.exec(help) ?? []
  return about
}

const nameOf = (command: AnyCommand): string => Array.from(CommandDescriptor.getNames(command.descriptor)).join(", ")

const EXIT_CODES = "0 done, 1 failed, 2 wrong usage, 3 timed out, 4 not permitted, 5 nothing runs there"

/**
 * - `groups`: commands under their heads.
 *
 * @internal
 */
export const text = (
  name: string,
  version: string,
  groups: ReadonlyArray<readonly [head: string, commands: ReadonlyArray<AnyCommand>]>
): Effect.Effect<string, never, Screen> =>
  Effect.gen(function* () {
    const width = Math.max(...groups.flatMap(([, commands]) => commands.map((command) => nameOf(command).length)))
    const blocks = yield* Effect.forEach(groups, ([head, commands]) =>
      Effect.map(styled("bold", head), (styledHead) =>
        [styledHead, ...commands.map((command) => `  ${nameOf(command).padEnd(width)}  ${aboutOf(command)}`)].join("\n")
      )
    )
    return [
      `${yield* styled("bold", name)} ${version}: reviews of supervised jobs, what runs, what waits and why, and what to decide`,
      `${name} <command> --help has the options of a command. Without others, the module of PM2 is meant.`,
      ...blocks,
      `${yield* styled("bold", "Exit codes")}\n  ${EXIT_CODES}`
    ].join("\n\n")
  })
