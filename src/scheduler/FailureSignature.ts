/**
 * What makes two failures the same: the exit code, and the last line about the error without what differs from run
 * to run, and the command line and files that made it fail. Nothing of that can be read in it.
 *
 * Two that are wrongly taken for one are a review that never comes; one that is wrongly taken for two is a review too many,
 * which the cool-down holds up. So in doubt they are two.
 *
 * @internal
 */
import { createHash } from "node:crypto"
import { stripVTControlCharacters } from "node:util"
import { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Evidence, Log } from "../supervisor/Evidence.js"
import type { JobEvent } from "../supervisor/Supervisor.js"
import * as Excerpt from "../text/Excerpt.js"

const MAX_FILES = 50

const MAX_LOGS = 4

/** How much of the end of a log is looked at, in characters, and how much is read for it, in bytes. */
const MAX_LOG = 4000
const MAX_READ = 32 * 1024

const MAX_LINE = 1000

/** The lines of a log in which an error of the last run may stand: what is further up may be one of a run before. */
const MAX_LINES = 30

/**
 * `null` if nothing is known about the failure by which another one could be told from it.
 *
 * @internal
 */
export const make = (event: JobEvent, evidence: Evidence): Effect.Effect<string | null, never, FileSystem> =>
  Effect.gen(function* () {
    const run = evidence.runs.find(({ id }) => id === event.runId)
    const line = event.lastError?.trim() || (yield* lastError(evidence.logs.slice(0, MAX_LOGS)))
    const signal = run?.signal ?? null
    // Nearly everything that fails does so with the same exit code.
    if (line === "" && signal === null) return null
    const files = yield* Effect.forEach(evidence.files.slice(0, MAX_FILES), ({ path }) => stateOf(path))
    const parts = [event.exitCode ?? run?.exitCode ?? null, signal, normalise(line), evidence.command, files]
    return createHash("sha256").update(JSON.stringify(parts)).digest("hex")
  })

/** A file is told by its content, or by its size and age if it is too long to be read. */
const stateOf = (path: string): Effect.Effect<ReadonlyArray<string | number | null>, never, FileSystem> =>
  Effect.gen(function* () {
    const hash = yield* Excerpt.fileHash(path)
    if (hash !== null) return [path, hash]
    const { mtime, size } = yield* Effect.flatMap(FileSystem, (fs) => fs.stat(path))
    return [path, String(size), Option.getOrNull(Option.map(mtime, (at) => at.getTime()))]
  }).pipe(Effect.orElseSucceed(() => [path, null]))

/** The line stands in the first log that has an error near its end; else it is the last line of the first log that has any. */
const lastError = (logs: ReadonlyArray<Log>): Effect.Effect<string, never, FileSystem> =>
  Effect.map(Effect.forEach(logs, linesOf), (all) => {
    const found = all.map((lines) => lines.findLast((line) => ERROR.test(line)))
    return found.find((line) => line !== undefined) ?? all.find((lines) => lines.length > 0)?.at(-1) ?? ""
  })

const linesOf = (log: Log): Effect.Effect<ReadonlyArray<string>, never, FileSystem> =>
  Effect.map(
    "path" in log
      ? Excerpt.logFile(log.path, MAX_LOG, MAX_READ)
      : Effect.sync(() => Excerpt.logText(log.text.slice(-MAX_READ), MAX_LOG)),
    ({ text }) => text.split("\n").filter(isTelling).slice(-MAX_LINES)
  )

/** What stands behind the message of an error: frames, fields of it, and what the runtime says of itself. */
const FRAME =
  /^\s*at |^\s*File "|^\s*(code|errno|syscall|address|port|path|cause):|^Emitted '|^Node\.js v|^\s*[{}^~|]+,?\s*$/

const isTelling = (line: string): boolean => line.trim() !== "" && !FRAME.test(line)

/** A line that names an error by its type, or by what is usually said of one. */
const ERROR =
  /\b\w*(Error|Exception|Fault|Panic)\b|\b(error|fatal|panic(ked)?|fail(ed|ure)?|abort(ed)?|killed|denied|refused|unauthori[sz]ed|forbidden|invalid|missing|not found|cannot|could not|unable to|timed? ?out|too many|quota|no space|out of memory|E[A-Z]{3,}|segmentation)\b/i

/**
 * Leaves out times, process ids, temporary names, addresses in memory, amounts of time and space, and long numbers. What tells
 * errors apart stays: statuses, ports, and codes such as `ORA-00942`.
 *
 * @internal
 */
export const normalise = (line: string): string =>
  stripVTControlCharacters(line.slice(0, MAX_LINE))
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, "#")
    .replace(/\/(?:var\/)?tmp\/\S+/g, "/tmp/#")
    .replace(/\b(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? +(?=\d|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)/gi, "")
    .replace(
      /\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* +\d{1,2}\b|\b\d{1,2} (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b/gi,
      "#"
    )
    .replace(/\b\d{4}[-/.]\d\d?[-/.]\d\d?(?=T|\b)|\b\d\d?[-/.]\d\d?[-/.]\d{2,4}\b(?!\.)/g, "#")
    .replace(/(?:\b|T)\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[ap]m\b|Z|[+-]\d\d:?\d\d)?/gi, "#")
    .replace(/\b(pid"?[ :=]+)\d+|\[\d+\]/gi, "$1#")
    .replace(/\b0x[0-9a-f]{9,}\b/gi, "#")
    .replace(/\b(?=[a-z]*\d+[a-z]+\d)[0-9a-z]{12,}\b/gi, "#")
    .replace(
      /(?<![\w:.-])\d+(?:\.\d+)?(?= ?(?:ns|µs|us|ms|s|secs?|seconds?|mins?|minutes?|h|hours?|days?|[kmgt]?i?b|bytes?|%)(?![a-z]))/gi,
      "#"
    )
    .replace(/(?<![\w:.-])\d{4,}(?![\w-])/g, "#")
    .replace(/#(?:[ #,.:T-]*#)+/g, "#")
    .replace(/\s+/g, " ")
    .trim()
    .toLowerCase()
