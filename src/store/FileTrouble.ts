/**
 * What stands in the way of a database file, as far as the machine tells: whose it is, which program holds it, how full its disk is.
 *
 * It looks only after something has failed. Reads of `/proc` and of attributes never wait for a disk, so they are synchronous.
 *
 * @internal
 */
import { accessSync, constants, readFileSync, statfsSync, statSync } from "node:fs"
import { basename, dirname } from "node:path"
import * as Arr from "effect/Array"
import * as Option from "effect/Option"

const attempt = <A>(read: () => A): Option.Option<A> => Option.liftThrowable(read)()

/** The files that SQLite and the lock keep for a database. */
const companions = (file: string): ReadonlyArray<string> => [file, `${file}-wal`, `${file}-shm`, `${file}-owner`]

const userOf = (uid: number): string => (uid === 0 ? "root" : `the user ${uid}`)

/** Whether it is there, and the process may not write it. */
const isRefused = (path: string): boolean =>
  Option.isSome(attempt(() => statSync(path))) && Option.isNone(attempt(() => accessSync(path, constants.W_OK)))

const modeOf = (path: string): string => {
  const { mode, uid } = statSync(path)
  return `${path} belongs to ${userOf(uid)} and has the mode ${(mode & 0o7777).toString(8)}`
}

/**
 * Which of the files or the folder the process may not write, and the command that helps.
 *
 * @internal
 */
export const mayNotWrite = (file: string): string | undefined => {
  const refused = [...companions(file), dirname(file)].filter(isRefused)
  const uid = process.getuid?.()
  if (refused.length === 0) return undefined
  if (uid === undefined) return `this process may not write ${refused.join(", ")}: allow it`
  const why = refused.map(modeOf).join(", ")
  const [own, others] = Arr.partition(refused, (path) => statSync(path).uid !== uid)
  const commands = [
    ...(own.length === 0 ? [] : [`chmod u+w ${own.join(" ")}`]),
    ...(others.length === 0 ? [] : [`sudo chown ${uid} ${others.join(" ")}`])
  ]
  return `this process runs as ${userOf(uid)}, who may not write there: ${why}. Allow it: ${commands.join("; ")}`
}

const numberOf = (dev: bigint): string => {
  // As the C library takes it apart: https://man7.org/linux/man-pages/man3/makedev.3.html.
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn)
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn)
  return `${major.toString(16).padStart(2, "0")}:${minor.toString(16).padStart(2, "0")}`
}

/**
 * The process that holds a lock for writing on the path, other than this one: on Linux, from `/proc/locks`
 * (https://man7.org/linux/man-pages/man5/proc_locks.5.html).
 *
 * @internal
 */
export const writeLockHolder = (path: string): number | undefined =>
  attempt(() => {
    const { dev, ino } = statSync(path, { bigint: true })
    const where = ` ${numberOf(dev)}:${ino} `
    return readFileSync("/proc/locks", "utf8")
      .split("\n")
      .filter((line) => line.includes(where) && line.includes(" WRITE "))
      .map((line) => Number(/ WRITE +(\d+) /.exec(line)?.[1]))
      .find((pid) => pid > 0 && pid !== process.pid)
  }).pipe(Option.getOrUndefined)

/** The program, and its script if it runs one; the other arguments may be anybody's secret. */
const programOf = ([program = "", script = ""]: ReadonlyArray<string>): string =>
  /\.[cm]?[jt]s$|\.py$|\.rb$/.test(script) ? `${basename(program)} ${basename(script)}` : basename(program)

/**
 * A process in words: its number, and its name where that can be read.
 *
 * @internal
 */
export const nameProcess = (pid: number): string =>
  attempt(() => programOf(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0"))).pipe(
    Option.match({ onNone: () => `the process ${pid}`, onSome: (name) => `the process ${pid} (${name})` })
  )

/**
 * The program that keeps others from writing the database, in words.
 *
 * @internal
 */
export const lockedBy = (file: string): string => {
  const pid = [file, `${file}-shm`, `${file}-wal`].map(writeLockHolder).find((pid) => pid !== undefined)
  return pid === undefined ? "another program" : nameProcess(pid)
}

const MEGABYTE = 1024 * 1024

/**
 * How many megabytes are left on the disk of a folder.
 *
 * @internal
 */
export const freeMegabytes = (folder: string): Option.Option<number> =>
  Option.map(
    attempt(() => statfsSync(folder)),
    ({ bavail, bsize }) => Math.floor((bavail * bsize) / MEGABYTE)
  )

/**
 * How much room there is for the file, in words.
 *
 * @internal
 */
export const roomFor = (file: string): string | undefined =>
  Option.getOrUndefined(
    Option.map(freeMegabytes(dirname(file)), (free) => `${free} MB are left on the disk of ${dirname(file)}`)
  )
