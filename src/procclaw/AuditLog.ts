/**
 * ProcClaw's audit log, `logs/daemon.audit.log`. That it grows is a reason to look. What it says is never the whole truth: it has no line for what was
 * killed, and those of two jobs are not in order.
 *
 * @internal
 */
import { closeSync, type FSWatcher, fstatSync, openSync, readSync, watch } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** What is read of it at a time, in bytes; of more the end. */
const MAX_READ = 64 * 1024

/** Ends that ProcClaw has brought about or seen from outside, after which what the job has started may live on. */
const CUT_OFF = /^\[[^\]]*\] (.+?): (?:stopped|failed) - exit_code: (?:-\d+|None)\b/

/**
 * The jobs that were cut off, of the lines of the log.
 *
 * @internal
 */
export const cutOffIn = (lines: string): ReadonlyArray<string> =>
  lines.split("\n").flatMap((line) => CUT_OFF.exec(line)?.[1] ?? [])

/** @internal */
export interface AuditLog {
  /** What was added to it since the last time. */
  readonly added: () => string
}

/**
 * `grown`: called when it may have grown, until the scope is closed. Where the system does not tell, nobody is called.
 *
 * @internal
 */
export const follow = (home: string, grown: () => void): Effect.Effect<AuditLog, never, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = join(home, "logs")
    const path = join(folder, "daemon.audit.log")
    let offset = sizeOf(path)
    yield* Effect.acquireRelease(
      Effect.sync(() => watchFolder(folder, grown)),
      (watcher) => Effect.sync(() => watcher?.close())
    )
    return {
      added: () => {
        const { end, text } = readFrom(path, offset)
        offset = end
        return text
      }
    }
  })

/** The folder, since the file may be made anew. */
const watchFolder = (folder: string, grown: () => void): FSWatcher | undefined => {
  try {
    const watcher = watch(folder, { persistent: false }, (_, name) => {
      if (name === null || name === "daemon.audit.log") grown()
    })
    watcher.on("error", () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}

const sizeOf = (path: string): number => readFrom(path, Number.POSITIVE_INFINITY).end

/** Whole lines. One that is still being written is read the next time. */
const readFrom = (path: string, offset: number): { readonly text: string; readonly end: number } => {
  let file: number | undefined
  try {
    file = openSync(path, "r")
    const { size } = fstatSync(file)
    // It was made anew, or is so for the first time.
    const from = offset <= size ? Math.max(offset, size - MAX_READ) : offset === Number.POSITIVE_INFINITY ? size : 0
    const buffer = Buffer.alloc(Math.min(MAX_READ, size - from))
    const length = readSync(file, buffer, 0, buffer.length, from)
    const whole = buffer.subarray(0, length).lastIndexOf(10) + 1
    return { text: buffer.subarray(0, whole).toString("utf8"), end: from + whole }
  } catch {
    return { text: "", end: 0 }
  } finally {
    if (file !== undefined) closeSync(file)
  }
}
