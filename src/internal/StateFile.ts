/**
 * A small file in which something is kept for the next start: the file is the old or the new one whole.
 *
 * @internal
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** @internal */
export interface StateFile<A> {
  /** Undefined if there is no file, or if what it holds does not fit the schema. */
  readonly read: () => A | undefined
  /** Writes it, if the key is another one than that of the last time. A folder that cannot be written to is warned of once. */
  readonly write: (content: A, key: string) => Effect.Effect<void>
}

/**
 * - `folder`: where the file is.
 * - `about`: what it is about. What is about something else has a file of its own.
 * - `warning`: what is said once if it cannot be written.
 *
 * @internal
 */
export const make = <A, I>(
  folder: string,
  about: string,
  schema: Schema.Schema<A, I>,
  warning: string
): StateFile<A> => {
  const path = join(folder, `effect-healing-${createHash("sha256").update(about).digest("hex").slice(0, 8)}.json`)
  const json = Schema.parseJson(schema)
  const decode = Schema.decodeUnknownOption(json)
  const encode = Schema.encodeSync(json)
  let written: string | undefined
  let hasWarned = false
  return {
    read: () => Option.getOrUndefined(decode(readIfThere(path))),
    write: (content, key) =>
      Effect.suspend(() => {
        if (key === written) return Effect.void
        const text = encode(content)
        return Effect.tryPromise(() => replace(path, text)).pipe(
          Effect.zipRight(
            Effect.sync(() => {
              written = key
            })
          ),
          Effect.catchAll(() => {
            if (hasWarned) return Effect.void
            hasWarned = true
            return Effect.logWarning(warning)
          })
        )
      })
  }
}

const readIfThere = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}

const replace = async (path: string, text: string) => {
  const next = `${path}.${process.pid}`
  try {
    await writeFile(next, text, { mode: 0o600 })
    await rename(next, path)
  } catch (error) {
    await rm(next, { force: true })
    throw error
  }
}
