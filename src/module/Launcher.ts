/**
 * The command `effect-healing` of the module: `pm2 install` puts nothing on the `PATH`.
 *
 * @internal
 */
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import { fileProblem } from "../internal/FileProblem.js"
import { MODULE } from "../pm2/Home.js"

/** Where it is in the package, beside the module. */
const program = fileURLToPath(new URL("../cli/main.js", import.meta.url))

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** With the Node that runs the module, for the PM2 that has started it. */
const scriptOf = (home: string): string =>
  [
    "#!/bin/sh",
    `[ -n "$PM2_HOME" ] || PM2_HOME=${quoted(home)}`,
    "export PM2_HOME",
    `exec ${quoted(process.execPath)} ${quoted(program)} "$@"`,
    ""
  ].join("\n")

/**
 * Writes it, and answers with its path; `undefined` where it cannot be written, of which a warning tells.
 *
 * - `folder`: that of the module.
 * - `home`: that of PM2.
 *
 * @internal
 */
export const write = (folder: string, home: string): Effect.Effect<string | undefined, never, FileSystem | Path> =>
  Effect.gen(function* () {
    if (!existsSync(program)) return undefined
    const fs = yield* FileSystem
    const path = yield* Path
    const bin = path.join(folder, "bin")
    const file = path.join(bin, MODULE)
    const draft = `${file}.new`
    yield* fs.makeDirectory(bin, { recursive: true, mode: 0o700 })
    yield* fs.remove(draft, { force: true })
    yield* fs.writeFileString(draft, scriptOf(home), { mode: 0o700 })
    yield* fs.rename(draft, file)
    return file
  }).pipe(
    Effect.catchAll((error) =>
      Effect.as(Effect.logWarning(`the command cannot be written into ${folder}: ${fileProblem(error)}`), undefined)
    )
  )
