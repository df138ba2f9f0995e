/**
 * How long logs were at an instant, to tell later what they got since.
 *
 * @internal
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { LogMark } from "../request/HealingSuggestion.js"
import type { Evidence, Log } from "../supervisor/Evidence.js"
import * as Excerpt from "../text/Excerpt.js"

/** More than a signature looks at: a supervisor may name them in another order then. */
const MAX_LOGS = 50

/** By how much of what stands before it a mark is known again, in bytes or characters. */
const KNOWN_BY = 1024

const nameOf = (log: Log): string => ("path" in log ? log.path : log.name)

/** @internal */
export const marksOf = ({ logs }: Evidence): Effect.Effect<ReadonlyArray<LogMark>, never, FileSystem> =>
  Effect.forEach(logs.slice(0, MAX_LOGS), markOf)

const markOf = (log: Log): Effect.Effect<LogMark, never, FileSystem> => {
  if ("text" in log) {
    const { name, skipped = 0, text } = log
    return Effect.succeed({ log: name, size: skipped + text.length, end: Excerpt.hashOf(text.slice(-KNOWN_BY)) })
  }
  return Effect.gen(function* () {
    const size = yield* Excerpt.fileSize(log.path)
    return { log: log.path, size, end: yield* endAt(log.path, size) }
  })
}

/** Of what stands in a file before this byte. */
const endAt = (path: string, size: number): Effect.Effect<string, never, FileSystem> => {
  const from = Math.max(0, size - KNOWN_BY)
  return Effect.map(Excerpt.partOfFile(path, from, size - from), Excerpt.hashOf)
}

/**
 * The end of what a log got since it was marked, with so many bytes or characters at most; the end of all of it if it was not, or if it was
 * begun anew since.
 *
 * @internal
 */
export const endSince = (
  log: Log,
  marks: ReadonlyArray<LogMark>,
  maxRead: number
): Effect.Effect<string, never, FileSystem> => {
  const mark = marks.find((mark) => mark.log === nameOf(log))
  if ("text" in log) {
    const { skipped = 0, text } = log
    const from = mark === undefined ? 0 : Math.max(0, mark.size - skipped)
    const isSame = Excerpt.hashOf(text.slice(Math.max(0, from - KNOWN_BY), from)) === mark?.end
    return Effect.succeed(Excerpt.endOfText(isSame ? text.slice(from) : text, maxRead))
  }
  return Effect.gen(function* () {
    const isSame = mark !== undefined && (yield* endAt(log.path, mark.size)) === mark.end
    return yield* Excerpt.endOfFile(log.path, maxRead, isSame ? mark.size : 0)
  })
}
