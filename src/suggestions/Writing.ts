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
  renameSync,
  unlinkSync,
  writeSync
} from "node:fs"
import { hashOf } from "../text/Excerpt.js"
import { MAX_FILE, type Place } from "./Examining.js"
import { codeOf, isInPlace, type OpenFolder, read } from "./OpenFolder.js"

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
  content: string | Uint8Array,
  { gid, mode, uid }: Owned
): BigIntStats => {
  const fd = openSync(folder.at(temporary), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    const bytes = Buffer.from(content)
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
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
 * Puts the file beside the target in its place. Throws the error of the system, also if a new file is there by now.
 *
 * @internal
 */
export const swapIn = ({ file, folder, name }: Place, temporary: string): void => {
  if (file !== undefined) {
    renameSync(folder.at(temporary), folder.at(name))
    return
  }
  // Unlike a rename, a link takes nobody's place.
  linkSync(folder.at(temporary), folder.at(name))
  unlinkSync(folder.at(temporary))
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
 * Somebody who has had the old file open may have written into it until the very end. Returns what stands in it then; `undefined` if nobody
 * has.
 *
 * @internal
 */
export const editedMeanwhile = ({ file }: Place): Uint8Array | undefined => {
  if (file === undefined) return undefined
  // It may have grown beyond what is changed, and nothing of it is to be lost.
  const size = Number(fstatSync(file.fd).size)
  const now = read(file.fd, Math.max(size, MAX_FILE) + 1)
  return hashOf(now) === hashOf(file.bytes) ? undefined : now
}

/**
 * Puts what was there before in the place of what was written, unless somebody else has put another file there: that one stays. Returns
 * whether it did.
 *
 * - `written`: the file that was written; `undefined` if the target was taken out.
 * - `before`: `undefined` if there was none.
 * - `temporary`: the name beside the target that is used for it.
 *
 * @internal
 */
export const putBack = (
  { folder, name }: Place,
  written: BigIntStats | undefined,
  before: Uint8Array | undefined,
  temporary: string,
  owned: Owned
): boolean => {
  const there = lookAt(folder, name)
  if (written === undefined ? there !== undefined : !isSame(written, there)) return false
  if (before === undefined) unlinkSync(folder.at(name))
  else {
    writeBeside(folder, temporary, before, owned)
    renameSync(folder.at(temporary), folder.at(name))
  }
  fsyncSync(folder.fd)
  return true
}
