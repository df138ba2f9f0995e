/**
 * By what two failures are taken for the same one: the exit code, the last line about the error without what differs from run
 * to run, and the command line and files that made it fail. Nothing of that can be read in it.
 *
 * @internal
 */
import { createHash } from "node:crypto"
import { stripVTControlCharacters } from "node:util"
import type { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { Evidence, Log } from "./Evidence.js"
import * as Excerpt from "./Excerpt.js"
import type { JobEvent } from "./Supervisor.js"

const MAX_FILES = 5

const MAX_LOGS = 4

/** Of the end of a log. */
const MAX_LOG = 4000

const MAX_LINE = 1000

/**
 * `null` if nothing is known about the failure by which another one could be told from it.
 *
 * @internal
 */
export const make = (event: JobEvent, evidence: Evidence): Effect.Effect<string | null, never, FileSystem> =>
  Effect.gen(function* () {
    const run = evidence.runs.find(({ id }) => id === event.runId)
    const exitCode = event.exitCode ?? run?.exitCode ?? null
    const line = event.lastError == null ? yield* lastError(evidence.logs.slice(0, MAX_LOGS)) : event.lastError
    if (exitCode === null && line === "") return null
    const files = yield* Effect.forEach(evidence.files.slice(0, MAX_FILES), ({ path }) =>
      Effect.map(Excerpt.fileHash(path), (hash) => [path, hash])
    )
    const parts = [exitCode, run?.signal ?? null, normalise(line), evidence.command, files]
    return createHash("sha256").update(JSON.stringify(parts)).digest("hex")
  })

const ABOUT_ERROR = /error|exception|fatal|panic|fail|denied|refused|not found|cannot|could not/i

/** In the first of the logs in which there is one; else the last line of the first that has any. */
const lastError = (logs: ReadonlyArray<Log>): Effect.Effect<string, never, FileSystem> =>
  Effect.map(Effect.forEach(logs, linesOf), (all) => {
    const found = all.map((lines) => lines.findLast((line) => ABOUT_ERROR.test(line)))
    return found.find((line) => line !== undefined) ?? all.find((lines) => lines.length > 0)?.at(-1) ?? ""
  })

const linesOf = (log: Log): Effect.Effect<ReadonlyArray<string>, never, FileSystem> =>
  Effect.map(
    "path" in log ? Excerpt.logFile(log.path, MAX_LOG) : Effect.sync(() => Excerpt.logText(log.text, MAX_LOG)),
    ({ text }) => text.split("\n").filter((line) => line.trim() !== "")
  )

/**
 * Without times, ids, addresses, amounts and other long numbers. Short ones stay, such as the 429 of an HTTP status.
 *
 * @internal
 */
export const normalise = (line: string): string =>
  stripVTControlCharacters(line.slice(0, MAX_LINE))
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, "#")
    .replace(/\b\d+(?:[-:/.,T]\d+)+(?:Z|[+-]\d\d:?\d\d)?/g, "#")
    .replace(/\b0x[0-9a-f]+\b|\b(?=[a-z]*\d)[0-9a-z_]{8,}\b|\d{4,}/gi, "#")
    .replace(
      /\d+(?= ?(?:ns|µs|us|ms|s|secs?|seconds?|mins?|minutes?|h|hours?|days?|[kmgt]?i?b|bytes?|%)(?![a-z]))/gi,
      "#"
    )
    .replace(/\s+/g, " ")
    .trim()
    .toLowerCase()
