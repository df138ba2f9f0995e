/**
 * The folder of the Unix socket and of the tokens, which nobody else can enter.
 *
 * @internal
 */
import { lstatSync } from "node:fs"
import { join } from "node:path"
import { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { HealingConfigError } from "../HealingError.js"
import { fileProblem } from "../internal/FileProblem.js"

/**
 * The longest path of a Unix socket that works everywhere, in bytes: macOS takes 103, Linux 107.
 *
 * @internal
 */
export const MAX_SOCKET_PATH = 100

const SOCKET = "api.sock"

/** As long as the other one. */
const DRAFT = "new.sock"

/** @internal */
export const refuse = (
  key: "http.folder" | "http.port" | "http.host" | "http.allowedHosts",
  found: string,
  expected: string
) => new HealingConfigError({ issues: [{ source: "settings", key, found, expected }] })

/**
 * Where the folder of a database is.
 *
 * @internal
 */
export const beside = (database: string): string => `${database}-run`

/**
 * - `socket`: where the socket is found.
 * - `draft`: where it is made, before it gets its place.
 * - `tokens`: the folder of tokens.
 *
 * @internal
 */
export interface RunFolder {
  readonly folder: string
  readonly socket: string
  readonly draft: string
  readonly tokens: string
}

/**
 * Where everything is in a folder.
 *
 * @internal
 */
export const inside = (folder: string): RunFolder => ({
  folder,
  socket: join(folder, SOCKET),
  draft: join(folder, DRAFT),
  tokens: join(folder, "tokens")
})

const EXPECTED = "a folder of its own that nobody else may enter: chmod 700"

/**
 * Makes the folder if it is not there.
 *
 * @internal
 */
export const make = (folder: string): Effect.Effect<RunFolder, HealingConfigError, FileSystem> =>
  Effect.gen(function* () {
    const places = inside(folder)
    const bytes = Buffer.byteLength(places.socket)
    if (bytes > MAX_SOCKET_PATH) {
      const atMost = MAX_SOCKET_PATH - SOCKET.length - 1
      return yield* refuse(
        "http.folder",
        `${folder}, which has ${Buffer.byteLength(folder)} bytes`,
        `a folder whose path has at most ${atMost} bytes, since a Unix socket has to fit into it`
      )
    }
    yield* Effect.mapError((yield* FileSystem).makeDirectory(folder, { recursive: true, mode: 0o700 }), (error) =>
      refuse("http.folder", `${folder} (${fileProblem(error)})`, "a folder that can be made")
    )
    const problem = problemOf(folder)
    return problem === undefined ? places : yield* refuse("http.folder", `${folder}, ${problem}`, EXPECTED)
  })

/** What a link points to may be anybody's. */
const problemOf = (folder: string): string | undefined => {
  const stat = lstatSync(folder, { throwIfNoEntry: false })
  if (stat === undefined || !stat.isDirectory()) return "which is no folder"
  if (process.getuid !== undefined && stat.uid !== process.getuid()) return "which belongs to another user"
  return (stat.mode & 0o077) === 0 ? undefined : "which others may enter"
}
