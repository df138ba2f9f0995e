/**
 * A copy of a SQLite database, made while that is in use.
 *
 * @internal
 */
import { randomUUID } from "node:crypto"
import { statSync } from "node:fs"
import { open, rename, rm } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { HealingStoreError } from "../HealingError.js"
import { type Place, storeError } from "./SqlProblem.js"

const refused = (path: string, why: string, cause?: unknown): HealingStoreError =>
  new HealingStoreError({ reason: "Unavailable", detail: `The backup ${path} cannot be written: ${why}`, cause })

const isFree = (path: string): Effect.Effect<void, HealingStoreError> =>
  Effect.try({
    try: () => statSync(path, { throwIfNoEntry: false }),
    catch: (error) => refused(path, "its folder cannot be read: name one that this process can write", error)
  }).pipe(
    Effect.flatMap((found) =>
      found === undefined
        ? Effect.void
        : Effect.fail(refused(path, "there is such a file already: name another, or remove that one"))
    )
  )

/** After a power cut the copy is there whole, or not at all. */
const sync = async (path: string): Promise<void> => {
  const file = await open(path, "r")
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

const publish = (copy: string, path: string): Effect.Effect<void, HealingStoreError> =>
  Effect.tryPromise({
    try: async () => {
      await sync(copy)
      await rename(copy, path)
      await sync(dirname(path))
    },
    catch: (error) => refused(path, "its folder cannot be written: name one that this process can write", error)
  })

/**
 * Copies the database into a file that is not there yet, by `VACUUM INTO`: as it is at one instant, and as small as can be. The process
 * stands still meanwhile, for about a second for 100 MB. No other way of copying a database that is in use is safe but SQLite's own.
 *
 * - `path`: of the copy; its folder has to be there.
 * - `finish`: what is done to the copy before it gets its name.
 *
 * @internal
 */
export const make = (
  sql: SqlClient,
  place: Place,
  path: string,
  finish: (copy: string) => Effect.Effect<void, HealingStoreError> = () => Effect.void
): Effect.Effect<void, HealingStoreError> =>
  Effect.gen(function* () {
    const target = resolve(path)
    yield* isFree(target)
    const copy = `${target}.${randomUUID()}.part`
    const vacuum = sql.onDialectOrElse({
      sqlite: () =>
        Effect.mapError(sql`VACUUM INTO ${copy}`, (error) => storeError(place, `cannot be copied to ${target}`, error)),
      orElse: () => Effect.fail(refused(target, `${place.name} is not SQLite's: use the backup of that database`))
    })
    yield* vacuum.pipe(
      Effect.zipRight(finish(copy)),
      Effect.zipRight(publish(copy, target)),
      Effect.ensuring(Effect.ignore(Effect.tryPromise(() => rm(copy, { force: true }))))
    )
  })
