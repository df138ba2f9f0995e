/**
 * Whether the files at the paths of a database are still those that this process has opened.
 *
 * A file that is removed or replaced lives on for those who have it open: what they write into it is on no path. SQLite does not look.
 * See https://www.sqlite.org/howtocorrupt.html#_unlinking_or_renaming_a_database_file_while_in_use.
 *
 * A copy that is written over the file keeps its inode. But the file changes only when pages are moved into it from the log, which only
 * this process does, and each time with another mark in the header, the `user_version` of SQLite. If it has changed otherwise, and has no
 * mark of ours, it was overwritten.
 *
 * @internal
 */
import { execFileSync } from "node:child_process"
import { randomInt } from "node:crypto"
import { accessSync, type BigIntStats } from "node:fs"
import { HealingStoreError } from "../HealingError.js"
import { codeOf } from "../internal/ErrorCode.js"
import { isSame, lookAt } from "./FileAtPath.js"

/**
 * What stands beside the file while it is open. After each commit it is only asked whether they are there: since Linux 6.13, to ask for the
 * times of a file has its next write change them, and the commit after that takes half as long again
 * (https://docs.kernel.org/filesystems/multigrain-ts.html). The file itself is not written by commits.
 */
const besideOf = (file: string): ReadonlyArray<string> => [`${file}-wal`, `${file}-shm`]

const isGone = (path: string): boolean => {
  try {
    accessSync(path)
    return false
  } catch (error) {
    return codeOf(error) === "ENOENT"
  }
}

/** Prints the mark, or nothing if the file has no header of SQLite's: https://www.sqlite.org/fileformat.html#the_database_header. */
const PRINT_MARK = `
const header = Buffer.alloc(100)
const fs = require("node:fs")
fs.readSync(fs.openSync(process.argv[1], "r"), header, 0, 100, 0)
if (header.toString("latin1", 0, 15) === "SQLite format 3") console.log(header.readInt32BE(60))`

/**
 * The mark in the header. Another process reads it: this one would lose the locks of SQLite when it closes the file
 * (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
 */
const readMark = (file: string): number | undefined | "unknown" => {
  try {
    const printed = execFileSync(process.execPath, ["-e", PRINT_MARK, file], {
      encoding: "utf8",
      env: {},
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 10_000
    })
    return printed === "" ? undefined : Number(printed)
  } catch {
    return "unknown"
  }
}

/** While a reader keeps pages in the log, the mark of the file can be an old one. */
const MAX_MARKS = 1000

/** @internal */
export class SqliteIdentity {
  readonly #file: string
  readonly #opened: ReadonlyMap<string, BigIntStats>
  #marks: ReadonlyArray<number>
  /** When the file has changed last by what this process has done. */
  #changedAt: bigint | undefined
  /** When it had changed last at the last look. */
  #seenAt: bigint | undefined
  #problem: HealingStoreError | undefined

  /**
   * To be made when the files are there.
   *
   * - `mark`: the one in the header.
   */
  constructor(file: string, mark: number) {
    this.#file = file
    this.#marks = [mark]
    this.#opened = new Map(
      [file, ...besideOf(file)].flatMap((path) => {
        const found = lookAt(path)
        return found === undefined || found === "unknown" ? [] : [[path, found]]
      })
    )
    this.hasMoved(false)
  }

  /** The next thing to be done is to write this mark, and to move pages from the log into the file. */
  willMove(mark: number): void {
    this.#marks = [...this.#marks.slice(-MAX_MARKS), mark]
  }

  /** That was done, as far as nobody read the log. Anything else that changes the file is not ours. */
  hasMoved(isComplete: boolean): void {
    if (isComplete) this.#marks = this.#marks.slice(-1)
    const found = lookAt(this.#file)
    this.#changedAt = found === undefined || found === "unknown" ? undefined : found.mtimeNs
    this.#seenAt = this.#changedAt
  }

  /** What is not at its path any more; once it is, for ever, since what was written meanwhile is nowhere. */
  get elsewhere(): HealingStoreError | undefined {
    this.#problem ??= this.#lookElsewhere()
    return this.#problem
  }

  /** What was written over the file, as it was at the last look. */
  get overwritten(): HealingStoreError | undefined {
    this.#problem ??= this.#isOverwritten() ? this.#replaced(`${this.#file} was overwritten`) : undefined
    return this.#problem
  }

  /** What was put in the place of those beside the file: asked for before pages are moved. */
  get beside(): HealingStoreError | undefined {
    this.#problem ??= this.#lookBeside()
    return this.#problem
  }

  /** What is wrong, as far as it is known without another look. */
  get known(): HealingStoreError | undefined {
    return this.#problem
  }

  #lookElsewhere(): HealingStoreError | undefined {
    const found = lookAt(this.#file)
    if (found === "unknown") return undefined
    if (found === undefined) return this.#replaced(`${this.#file} was removed`)
    if (!isSame(found, this.#opened.get(this.#file))) return this.#replaced(`${this.#file} was replaced`)
    this.#seenAt = found.mtimeNs
    const gone = besideOf(this.#file).find(isGone)
    return gone === undefined ? undefined : this.#replaced(`${gone} was removed`)
  }

  /** What was put in the place of those beside the file. */
  #lookBeside(): HealingStoreError | undefined {
    const path = besideOf(this.#file).find((path) => !isSame(lookAt(path), this.#opened.get(path)))
    return path === undefined ? undefined : this.#replaced(`${path} was replaced`)
  }

  #isOverwritten(): boolean {
    if (this.#seenAt === this.#changedAt) return false
    const mark = readMark(this.#file)
    if (mark === "unknown") return false
    if (mark === undefined || !this.#marks.includes(mark)) return true
    this.#changedAt = this.#seenAt
    return false
  }

  #replaced(what: string): HealingStoreError {
    const file = this.#file
    return new HealingStoreError({
      reason: "Replaced",
      detail:
        `${what} while this process used it. Nothing is taken in, reviewed or written any more. Stop this process. To go on with a ` +
        `backup, remove ${file}, ${file}-wal and ${file}-shm, and put it there. Then start again`
    })
  }
}

/**
 * A mark that no other file has.
 *
 * @internal
 */
export const newMark = (): number => randomInt(1, 2 ** 31)
