/**
 * What makes two failures the same: the exit code, all that the logs tell of errors without what differs from run to run, and
 * the command line and files that made it fail. Nothing of that can be read in it.
 *
 * Two that are wrongly taken for one are a review that never comes; one that is wrongly taken for two is a review too many,
 * which the cool-down holds up. So in doubt they are two.
 *
 * @internal
 */
import { createHash } from "node:crypto"
import { FileSystem } from "@effect/platform/FileSystem"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { LogMark } from "../request/HealingSuggestion.js"
import type { Evidence, Log } from "../supervisor/Evidence.js"
import type { JobEvent } from "../supervisor/Supervisor.js"
import * as Excerpt from "../text/Excerpt.js"
import * as ErrorLines from "./ErrorLines.js"
import * as LogMarks from "./LogMarks.js"
import { stableText } from "./StableText.js"

const MAX_FILES = 50

const MAX_LOGS = 4

/** How much of the end of a log is looked at, in bytes: a trace of a thousand frames may stand behind the message. */
const MAX_READ = 256 * 1024

/**
 * The cause of the failure, and what has made it fail, as two hashes with a dot between them. `null` if nothing is known about the failure by
 * which another one could be told from it.
 *
 * - `since`: how long the logs were before this failure, if that is known: what stands in them from before tells nothing of it.
 *
 * @internal
 */
export const make = (
  event: Pick<JobEvent, "exitCode" | "lastError" | "runId">,
  evidence: Evidence,
  since: ReadonlyArray<LogMark> = []
): Effect.Effect<string | null, never, FileSystem> =>
  Effect.gen(function* () {
    const run = evidence.runs.find(({ id }) => id === event.runId)
    const told = event.lastError?.trim() ?? ""
    const logs = evidence.logs.slice(0, MAX_LOGS)
    const errors = yield* errorsIn(logs, [])
    const ofThisOne = since.length === 0 ? errors : yield* errorsIn(logs, since)
    const signal = run?.signal ?? null
    // Nearly everything that fails does so with the same exit code, and that a supervisor has given up says nothing of why.
    if (!ErrorLines.tellsCause(told) && signal === null && ofThisOne.every((lines) => lines.length === 0)) return null
    const files = yield* Effect.forEach(evidence.files.slice(0, MAX_FILES), ({ path }) => stateOf(path))
    const cause = [event.exitCode ?? run?.exitCode ?? null, signal, stableText(told), errors]
    return `${hashOf(cause)}.${hashOf([evidence.command, files])}`
  })

const hashOf = (parts: ReadonlyArray<unknown>): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex")

/**
 * That of a run that was not as its policy wants it: what it was said to be, and what has made it so.
 *
 * @internal
 */
export const ofRule = (
  { lastError, trigger }: Pick<JobEvent, "lastError" | "trigger">,
  evidence: Evidence
): Effect.Effect<string, never, FileSystem> =>
  Effect.map(
    Effect.forEach(evidence.files.slice(0, MAX_FILES), ({ path }) => stateOf(path)),
    (files) => `${hashOf([trigger, lastError ?? null])}.${hashOf([evidence.command, files])}`
  )

/**
 * The cause in a signature, which stays the same when the files of the job are changed. One from before causes were told apart has none that
 * any other has.
 *
 * @internal
 */
export const causeOf = (signature: string): string => signature.split(".", 1).join("")

/** A file is told by its content, or by its size and age if it is too long to be read. */
const stateOf = (path: string): Effect.Effect<ReadonlyArray<string | number | null>, never, FileSystem> =>
  Effect.gen(function* () {
    const hash = yield* Excerpt.fileHash(path)
    if (hash !== null) return [path, hash]
    const { mtime, size } = yield* Effect.flatMap(FileSystem, (fs) => fs.stat(path))
    return [path, String(size), Option.getOrNull(Option.map(mtime, (at) => at.getTime()))]
  }).pipe(Effect.orElseSucceed(() => [path, null]))

/**
 * What each log tells of errors, in the order in which it was said last: of two errors in view the newer one counts, and the same crash
 * over and over is said once.
 */
const errorsIn = (
  logs: ReadonlyArray<Log>,
  since: ReadonlyArray<LogMark>
): Effect.Effect<ReadonlyArray<ReadonlyArray<string>>, never, FileSystem> =>
  Effect.forEach(logs, (log) =>
    Effect.map(LogMarks.endSince(log, since, MAX_READ), (text) => lastSaid(ErrorLines.ofLog(text).map(stableText)))
  )

const lastSaid = (lines: ReadonlyArray<string>): ReadonlyArray<string> => Arr.dedupe(lines.toReversed()).reverse()
