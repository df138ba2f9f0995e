/**
 * A folder that is held open, and the files in it. On Linux they are reached through its descriptor, so that no link that somebody swaps in
 * for it, or above it, is followed: `/proc/self/fd/<folder>/<name>`, see https://man7.org/linux/man-pages/man5/proc_pid_fd.5.html. Elsewhere
 * they are reached by their paths.
 *
 * It uses `node:fs`, since the `FileSystem` of `@effect/platform` has neither descriptors of folders nor `O_NOFOLLOW`.
 *
 * @internal
 */
import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs"
import { basename, dirname, join, sep } from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { codeOf } from "../internal/ErrorCode.js"

/**
 * - `path`: without links.
 * - `above`: it, and each folder above it, from the root of all files on.
 * - `at`: how a file in it is reached.
 *
 * @internal
 */
export interface OpenFolder {
  readonly path: string
  readonly fd: number
  readonly above: ReadonlyArray<{ readonly path: string; readonly stat: BigIntStats }>
  readonly at: (name: string) => string
}

/**
 * A file that is held open, and what stood in it when it was read.
 *
 * @internal
 */
export interface OpenFile {
  readonly fd: number
  readonly stat: BigIntStats
  readonly bytes: Uint8Array
}

/**
 * Why something cannot be done with a file, in words.
 *
 * @internal
 */
export const problemOf = (error: unknown): string => {
  const code = codeOf(error)
  return (code && PROBLEMS[code]) ?? `the system answers ${code ?? String(error)}`
}

const PROBLEMS: Readonly<Record<string, string>> = {
  EACCES: "permission is denied",
  EDQUOT: "the quota of the disk is used up",
  EEXIST: "there is one already",
  EISDIR: "it is a folder",
  ELOOP: "it is a link, or there is one on the way to it",
  ENODEV: "it is a device",
  ENOENT: "it is not there",
  ENOSPC: "there is no room left on the disk",
  ENOTDIR: "what stands above it is no folder",
  ENXIO: "it is a pipe, a socket or a device",
  EPERM: "it is not permitted",
  EROFS: "it is on a disk that can only be read"
}

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants

/** `O_PATH`, which Node does not name: https://man7.org/linux/man-pages/man2/open.2.html. A folder need not be readable for it. */
const O_PATH = 0o10000000

const throughDescriptor = process.platform === "linux"

/**
 * Opens a folder by its path without links, for as long as the scope is open. It fails with what is wrong, also if there is a link on the way.
 *
 * @internal
 */
export const openFolder = (path: string): Effect.Effect<OpenFolder, string, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({ try: () => (throughDescriptor ? walk(path) : openByPath(path)), catch: problemOf }),
    ({ fd }) => Effect.sync(() => closeSync(fd))
  )

const stepsTo = (path: string): ReadonlyArray<string> => {
  const parent = dirname(path)
  return parent === path ? [path] : [...stepsTo(parent), path]
}

const walk = (path: string): OpenFolder => {
  const above: Array<OpenFolder["above"][number]> = []
  const steps = stepsTo(path)
  let fd: number | undefined
  try {
    for (const step of steps) {
      const access = step === path ? O_RDONLY : O_PATH
      const next = openSync(
        fd === undefined ? step : `/proc/self/fd/${fd}/${basename(step)}`,
        access | O_DIRECTORY | O_NOFOLLOW
      )
      if (fd !== undefined) closeSync(fd)
      fd = next
      above.push({ path: step, stat: fstatSync(fd, { bigint: true }) })
    }
  } catch (error) {
    if (fd !== undefined) closeSync(fd)
    throw error
  }
  // There is a step for the root at least.
  const last = fd as number
  return { path, fd: last, above, at: (name) => `/proc/self/fd/${last}/${name}` }
}

const openByPath = (path: string): OpenFolder => {
  const above = stepsTo(path).map((step) => ({ path: step, stat: lstatSync(step, { bigint: true }) }))
  const link = above.find(({ stat }) => stat.isSymbolicLink())
  if (link !== undefined) throw Object.assign(new Error(`${link.path} is a link`), { code: "ELOOP" })
  const fd = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  return { path, fd, above, at: (name) => join(path, name) }
}

/**
 * Whether the folder still is the one at its path.
 *
 * @internal
 */
export const isInPlace = ({ above, fd, path }: OpenFolder): boolean => {
  const now = fstatSync(fd, { bigint: true })
  try {
    const there = lstatSync(path, { bigint: true })
    const parents = above.slice(0, -1).every(({ path }) => !lstatSync(path).isSymbolicLink())
    return parents && there.dev === now.dev && there.ino === now.ino
  } catch {
    return false
  }
}

/**
 * Opens a file of a folder for as long as the scope is open, and reads so many bytes at most, and one more if there are more. `undefined` if
 * it is not there; else it fails with what is wrong, also if it is a link. It never waits for the other end of a pipe.
 *
 * @internal
 */
export const openFile = (
  folder: OpenFolder,
  name: string,
  maxBytes: number
): Effect.Effect<OpenFile | undefined, string, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => {
        try {
          return openSync(folder.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        } catch (error) {
          if (codeOf(error) === "ENOENT") return undefined
          throw error
        }
      },
      catch: problemOf
    }),
    (fd) => Effect.sync(() => fd !== undefined && closeSync(fd))
  ).pipe(
    Effect.flatMap((fd) =>
      Effect.try({
        try: () => {
          if (fd === undefined) return undefined
          const stat = fstatSync(fd, { bigint: true })
          return { fd, stat, bytes: stat.isFile() ? read(fd, maxBytes + 1) : new Uint8Array() }
        },
        catch: problemOf
      })
    )
  )

/**
 * What stands in a file now, so many bytes at most.
 *
 * @internal
 */
export const read = (fd: number, maxBytes: number): Uint8Array => {
  const bytes = new Uint8Array(maxBytes)
  let length = 0
  while (length < maxBytes) {
    const count = readSync(fd, bytes, length, maxBytes - length, length)
    if (count === 0) break
    length += count
  }
  return bytes.subarray(0, length)
}

/**
 * Whether this path is the folder, or in it. Both are without links.
 *
 * @internal
 */
export const isWithin = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`)
