/**
 * The SQLite file: whether it can be read, who has it, whether there is room for it, who may see it, and what it says of the clock.
 *
 * @internal
 */
import { existsSync, lstatSync } from "node:fs"
import { dirname } from "node:path"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { FinalState } from "../request/HealingRequest.js"
import { freeMegabytes, nameProcess, writeLockHolder } from "../store/FileTrouble.js"
import { lockFileOf } from "../store/SqliteOwner.js"
import * as SqliteReading from "../store/SqliteReading.js"
import { type Finding, fail, ok, warn } from "./Finding.js"

/** Below so many megabytes there is little left, or nothing to speak of. */
const LITTLE = 1024
const NOTHING = 100

/** A clock that was ahead by less is no matter. */
const AHEAD = 60_000

const attempt = Option.liftThrowable

/** @internal */
export const disk = (folder: string): ReadonlyArray<Finding> =>
  Option.match(freeMegabytes(folder), {
    onNone: () => [],
    onSome: (free) => {
      const message = `${free} MB are left on the disk of ${folder}`
      const todo = "Make room: without it nothing can be written, and no review begins"
      if (free < NOTHING) return [fail("disk", message, todo)]
      return [free < LITTLE ? warn("disk", message, todo) : ok("disk", message)]
    }
  })

/**
 * A folder or a file of ours, which nobody else is to enter or to read.
 *
 * @internal
 */
export const permissions = (path: string): ReadonlyArray<Finding> => {
  const stat = Option.getOrUndefined(attempt(() => lstatSync(path))())
  if (stat === undefined) return []
  const mode = (stat.mode & 0o777).toString(8).padStart(3, "0")
  if (process.getuid !== undefined && stat.uid !== process.getuid()) {
    return [
      fail(
        "permissions",
        `${path} belongs to another user`,
        `Run this as that user, or: sudo chown ${process.getuid()} ${path}`
      )
    ]
  }
  if ((stat.mode & 0o077) === 0) return [ok("permissions", `${path} is for its user only (${mode})`)]
  const todo = `chmod ${stat.isDirectory() ? 700 : 600} ${path}`
  return [warn("permissions", `Others may look into ${path} (${mode}), in which reports and file contents stand`, todo)]
}

/** Whoever has the file open for its queue holds a lock, which ends with the process. */
const owner = (file: string, isRunning: boolean): Finding => {
  const pid = writeLockHolder(lockFileOf(file))
  if (pid !== undefined) return ok("owner", `${nameProcess(pid)} has ${file}`)
  if (isRunning) return ok("owner", `The service that was asked has ${file}`)
  return warn(
    "owner",
    `Nobody has ${file} open: no review is done now`,
    "Start the service: pm2 start effect-healing, or your app"
  )
}

const newest = (file: string) =>
  Effect.gen(function* () {
    const { history } = yield* SqliteReading.open(file)
    const [last] = yield* history({ states: FinalState.literals, limit: 1 })
    return last?.endedAt ?? undefined
  }).pipe(Effect.scoped)

const readable = (file: string) =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const last = yield* newest(file)
    const clock =
      last !== undefined && last > now + AHEAD
        ? warn(
            "clock",
            `What has ended last did so ${Math.round((last - now) / 60_000)} minutes from now: the clock was ahead, or was set back`,
            "Look at the clock of the machine: timedatectl"
          )
        : ok("clock", `It is ${DateTime.formatIso(DateTime.unsafeMake(now))}, after all that was written`)
    return [ok("database", `${file} can be read`), clock]
  }).pipe(
    Effect.catchAll(({ detail }) =>
      Effect.succeed([
        fail("database", detail, "Look at the log of the service; a copy is made by pm2 trigger effect-healing backup")
      ])
    )
  )

/**
 * - `isRunning`: whether the service answers.
 *
 * @internal
 */
export const all = (file: string, isRunning: boolean): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function* () {
    if (!existsSync(file)) {
      return [fail("database", `There is no ${file}`, "Start the service once, or name its file with --database")]
    }
    const read = yield* readable(file)
    const folder = dirname(file)
    // Nobody comes to a file in a folder that is closed.
    const ofFolder = permissions(folder)
    const isClosed = ofFolder.every(({ outcome }) => outcome === "ok")
    const places = [...ofFolder, ...(isClosed ? [] : permissions(file)), ...permissions(`${file}-run`)]
    return [...read, owner(file, isRunning), ...disk(folder), ...places]
  })
