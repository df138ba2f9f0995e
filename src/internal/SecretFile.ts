/**
 * Files with one secret in them.
 *
 * @internal
 */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { fileProblem, inWords } from "./FileProblem.js"

const MAX_FILE = 4096

/** Others than its user may read it, or write it. */
const OPEN = 0o077

/**
 * What such a file has to be.
 *
 * @internal
 */
export const EXPECTED = "a file of at most 4 KiB that only its user may read (chmod 600)"

/**
 * The secret, or what is wrong with the file: its path, and how it is.
 *
 * @internal
 */
export const read = (path: string): Effect.Effect<Redacted.Redacted, string, FileSystem> =>
  Effect.gen(function* () {
    const fileSystem = yield* FileSystem
    const refuse = (how: string) => `${path}, which ${how}`
    const unreadable = Effect.mapError((error: Parameters<typeof fileProblem>[0]) =>
      refuse(`cannot be read: ${fileProblem(error)}`)
    )
    const { mode, size, type } = yield* fileSystem.stat(path).pipe(unreadable)
    if (type !== "File") return yield* Effect.fail(refuse(`is a ${inWords(type)}`))
    if ((mode & OPEN) !== 0) return yield* Effect.fail(refuse("others may read"))
    if (Number(size) > MAX_FILE) return yield* Effect.fail(refuse(`has ${size} bytes`))
    const text = (yield* fileSystem.readFileString(path).pipe(unreadable)).trim()
    return text === "" ? yield* Effect.fail(refuse("is empty")) : Redacted.make(text)
  })
