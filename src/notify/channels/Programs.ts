/**
 * Runs the programs of channels, each in a process group of its own that is gone when it has ended, or is interrupted.
 *
 * @internal
 */
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { NotifyError } from "../../HealingError.js"
import * as ProcessGroup from "../../openclaw/ProcessGroup.js"

/**
 * - `context`: what it takes to start a program.
 * - `hidden`: variables that no program is to see, since they hold the secrets of channels.
 *
 * @internal
 */
export interface Programs {
  readonly context: Context.Context<CommandExecutor | FileSystem | Path>
  readonly hidden: ReadonlyArray<string>
}

const PREFIX = "effect-healing-notice-"

/**
 * - `input`: what it gets on its standard input.
 *
 * @internal
 */
export const run = (
  { context, hidden }: Programs,
  [command, ...args]: readonly [string, ...ReadonlyArray<string>],
  input: string,
  env: Readonly<Record<string, string>> = {}
): Effect.Effect<ProcessGroup.Output, NotifyError> => {
  const inFolder = (folder: string) =>
    Effect.gen(function* () {
      const file = (yield* Path).join(folder, "input")
      yield* (yield* FileSystem).writeFileString(file, input, { mode: 0o600 })
      return yield* ProcessGroup.run(
        { command, args, env: { ...ProcessGroup.without(hidden), ...env }, cwd: folder, input: file },
        folder,
        () => Effect.void
      )
    })
  return Effect.acquireUseRelease(
    Effect.flatMap(FileSystem, (fileSystem) => fileSystem.makeTempDirectory({ prefix: PREFIX })),
    inFolder,
    (folder) =>
      Effect.flatMap(FileSystem, (fileSystem) =>
        Effect.ignore(fileSystem.remove(folder, { recursive: true, force: true }))
      )
  ).pipe(
    Effect.mapError(({ _tag }) => {
      const why = _tag === "OutputTooLong" ? "it has printed far too much" : "it cannot be started"
      return new NotifyError({ reason: "Failed", detail: why })
    }),
    Effect.provide(context),
    Effect.filterOrFail(
      (output) => !ProcessGroup.isMissing(output),
      () => new NotifyError({ reason: "Failed", detail: `there is no program "${command}"` })
    )
  )
}
