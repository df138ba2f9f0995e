/**
 * Puts a new content in the place of a file, so that at any instant there is the old one or the new one, whole (R20).
 *
 * @internal
 */

import { randomBytes } from "node:crypto"
import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync
} from "node:fs"
import { codeOf } from "../internal/ErrorCode.js"
import { hashOf } from "../text/Excerpt.js"
import { MAX_FILE, type Place } from "./Examining.js"
import { isInPlace, type OpenFolder, read } from "./OpenFolder.js"

/**
 * A name for a file beside another one: hidden, and without a suffix for which a folder may be searched.
 *
 * @internal
 */
export const temporaryName = (): string => `${PREFIX}${randomBytes(8).toString("hex")}`

const PREFIX = ".effect-healing-"

/**
 * Whether it is such a name.
 *
 * @internal
 */
export const isTemporaryName = (name: string): boolean => /^\.effect-healing-[0-9a-f]{16}$/.test(name)

/**
 * Permissions and owner.
 *
 * @internal
 */
export interface Owned {
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

const PERMISSIONS = 0o7777n

/**
 * Those of a file. A new one belongs to the process, and everybody may read it.
 *
 * @internal
 */
export const ownedBy = ({ file }: Pick<Place, "file">): Owned =>
  file === undefined
    ? { mode: 0o644, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
    : { mode: Number(file.stat.mode & PERMISSIONS), uid: Number(file.stat.uid), gid: Number(file.stat.gid) }

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants

/**
 * Writes the content into a file beside the target, which nobody else may read until it is whole, and which is on disk afterwards. Throws the
 * error of the system, and leaves nothing then.
 *
 * @internal
 */
export const writeBeside = (
  folder: OpenFolder,
  temporary: string,
  content: Iterable<Uint8Array>,
  { gid, mode, uid }: Owned
): BigIntStats => {
  const fd = openSync(folder.at(temporary), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    for (const part of content) for (let at = 0; at < part.length; ) at += writeSync(fd, part, at)
    const made = fstatSync(fd)
    if (made.uid !== uid || made.gid !== gid) fchownSync(fd, uid, gid)
    fchmodSync(fd, mode)
    fsyncSync(fd)
    return fstatSync(fd, { bigint: true })
  } catch (error) {
    remove(folder, temporary)
    throw error
  } finally {
    closeSync(fd)
  }
}

/**
 * Removes a file of one's own; it need not be there.
 *
 * @internal
 */
export const remove = (folder: OpenFolder, temporary: string): void => {
  try {
    unlinkSync(folder.at(temporary))
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error
  }
}

/** What is at this name, if anything is. */
const lookAt = (folder: OpenFolder, name: string): BigIntStats | undefined =>
  lstatSync(folder.at(name), { bigint: true, throwIfNoEntry: false })

const isSame = (one: BigIntStats, other: BigIntStats | undefined): boolean =>
  one.ino === other?.ino && one.dev === other.dev

/**
 * Why the file is not the one that was looked at, to the last instant; `undefined` if it is.
 *
 * @internal
 */
export const whyMoved = ({ file, folder, name }: Place): string | undefined => {
  if (!isInPlace(folder)) return "its folder was moved meanwhile"
  const there = lookAt(folder, name)
  if (file === undefined) return there === undefined ? undefined : "somebody has made it meanwhile"
  if (there === undefined) return "somebody has removed it meanwhile"
  const { ctimeNs, mtimeNs, size } = file.stat
  const isAsBefore =
    isSame(file.stat, there) && there.size === size && there.mtimeNs === mtimeNs && there.ctimeNs === ctimeNs
  return isAsBefore ? undefined : "somebody has changed it meanwhile"
}

/**
 * Puts the file beside the target in its place. Throws the error of the system, also if a new file is there by now. Returns the file as it is
 * then.
 *
 * @internal
 */
export const swapIn = ({ file, folder, name }: Place, temporary: string): BigIntStats => {
  if (file !== undefined) renameSync(folder.at(temporary), folder.at(name))
  else {
    // Unlike a rename, a link takes nobody's place.
    linkSync(folder.at(temporary), folder.at(name))
    try {
      unlinkSync(folder.at(temporary))
    } catch (error) {
      unlinkSync(folder.at(name))
      throw error
    }
  }
  return lstatSync(folder.at(name), { bigint: true })
}

/**
 * Removes the target, of which only its original is left.
 *
 * @internal
 */
export const takeOut = ({ folder, name }: Place): void => unlinkSync(folder.at(name))

/** @internal */
export const sync = ({ fd }: OpenFolder): void => fsyncSync(fd)

/**
 * Whether somebody who has had the old file open has written into it until the very end.
 *
 * @internal
 */
export const isEditedMeanwhile = ({ file }: Place): boolean => {
  if (file === undefined) return false
  const { mtimeNs, size } = fstatSync(file.fd, { bigint: true })
  if (size !== file.stat.size || mtimeNs !== file.stat.mtimeNs) return true
  return hashOf(read(file.fd, MAX_FILE + 1)) !== hashOf(file.bytes)
}

/**
 * Puts what the old file holds, to its very end, in the place of what was written. Returns whether it did: if somebody has edited what was
 * written, or has put another file there, that stays.
 *
 * - `written`: the file that was written, as it was then; `undefined` if the target was taken out.
 * - `temporary`: the name beside the target that is used for it.
 *
 * @internal
 */
export const putBack = (
  { file, folder, name }: Place,
  written: BigIntStats | undefined,
  temporary: string,
  owned: Owned
): boolean => {
  const there = lookAt(folder, name)
  const isOurs =
    written === undefined
      ? there === undefined
      : isSame(written, there) && there?.size === written.size && there.mtimeNs === written.mtimeNs
  if (!isOurs) return false
  if (file === undefined) unlinkSync(folder.at(name))
  else {
    writeBeside(folder, temporary, partsOf(file.fd), owned)
    renameSync(folder.at(temporary), folder.at(name))
  }
  fsyncSync(folder.fd)
  return true
}

const PART = 1024 * 1024

/** Somebody may have made it longer than what is changed, and nothing of it is to be lost. */
function* partsOf(fd: number): Generator<Uint8Array> {
  const part = new Uint8Array(PART)
  for (let at = 0; ; ) {
    const length = readSync(fd, part, 0, PART, at)
    if (length === 0) return
    yield part.subarray(0, length)
    at += length
  }
}
