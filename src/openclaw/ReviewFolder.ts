/**
 * The temporary folder of a reviewer, which goes with it; that of a process that was killed is removed by the next one.
 *
 * @internal
 */
import { lstatSync, type Stats } from "node:fs"
import { hostname, tmpdir } from "node:os"
import type { PlatformError } from "@effect/platform/Error"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { isAlive } from "../internal/Pid.js"

/**
 * What is its own, and goes with it: only its user may look into it.
 *
 * - `work`: where OpenClaw starts.
 * - `tmp`: where it puts what it would otherwise leave behind, when it is killed.
 *
 * @internal
 */
export interface ReviewFolder {
  readonly root: string
  readonly work: string
  readonly tmp: string
}

const PREFIX = "effect-healing-review-"

/** The file in it that says whose it is. */
const OWNER = "owner"

/**
 * Processes of other containers have numbers of their own, and can share the folder of temporary files. So has a container that was started
 * anew.
 */
const namespace = Effect.flatMap(FileSystem, (fileSystem) =>
  Effect.map(
    Effect.orElseSucceed(fileSystem.readLink("/proc/self/ns/pid"), () => "pid"),
    (name) => `${hostname()} ${name}`
  )
)

/** @internal */
export const remove = ({ root }: Pick<ReviewFolder, "root">): Effect.Effect<void, never, FileSystem> =>
  Effect.flatMap(FileSystem, (fileSystem) =>
    Effect.ignoreLogged(fileSystem.remove(root, { recursive: true, force: true }))
  )

/** @internal */
export const create: Effect.Effect<ReviewFolder, PlatformError, FileSystem | Path> = Effect.gen(function* () {
  const fileSystem = yield* FileSystem
  const path = yield* Path
  const root = yield* fileSystem.makeTempDirectory({ prefix: PREFIX })
  const folder: ReviewFolder = { root, work: path.join(root, "work"), tmp: path.join(root, "tmp") }
  const owner = `${process.pid} ${yield* namespace}`
  yield* fileSystem.writeFileString(path.join(root, OWNER), owner).pipe(
    Effect.zipRight(fileSystem.makeDirectory(folder.work)),
    Effect.zipRight(fileSystem.makeDirectory(folder.tmp)),
    Effect.onError(() => remove(folder))
  )
  return folder
})

const WEEK = Duration.toMillis("7 days")

/** Longer than what stands in the file of an owner. */
const MAX_OWNER = 1000

/** Whether it is one of this user's own. Others can put anything into the folder of temporary files. */
const isOwn = (stats: Stats | undefined): stats is Stats =>
  stats !== undefined && (process.getuid === undefined || stats.uid === process.getuid())

/** Whether the process that has made it was killed. Where that cannot be told, no review takes a week. */
const isLeft = (root: string) =>
  Effect.gen(function* () {
    const folder = lstatSync(root, { throwIfNoEntry: false })
    if (!isOwn(folder) || !folder.isDirectory()) return false
    if ((yield* Clock.currentTimeMillis) - folder.mtimeMs > WEEK) return true
    const file = (yield* Path).join(root, OWNER)
    const stats = lstatSync(file, { throwIfNoEntry: false })
    if (!isOwn(stats) || !stats.isFile() || stats.size > MAX_OWNER) return false
    const [, pid, where] = /^(\d+) (.*)$/.exec(yield* (yield* FileSystem).readFileString(file)) ?? []
    return pid !== undefined && where === (yield* namespace) && !isAlive(Number(pid))
  }).pipe(Effect.catchAllCause(() => Effect.succeed(false)))

/**
 * Removes what processes have left that were killed.
 *
 * @internal
 */
export const sweep: Effect.Effect<void, never, FileSystem | Path> = Effect.gen(function* () {
  const path = yield* Path
  const all = yield* (yield* FileSystem).readDirectory(tmpdir())
  const roots = all.filter((name) => name.startsWith(PREFIX)).map((name) => path.join(tmpdir(), name))
  const left = yield* Effect.filter(roots, isLeft)
  yield* Effect.forEach(left, (root) => remove({ root }), { discard: true })
}).pipe(Effect.ignoreLogged)
