/**
 * As much of a text as a reviewer gets to see: without secrets, and cut to size.
 *
 * @internal
 */
import { createHash } from "node:crypto"
import { stripVTControlCharacters } from "node:util"
import { FileSystem } from "@effect/platform/FileSystem"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { fileProblem, inWords } from "../internal/FileProblem.js"
import { placeholder } from "./Placeholder.js"
import { conceal } from "./Secrets.js"

/** @internal */
export interface Excerpt {
  readonly text: string
  /** What differs from the text itself, in words for the reviewer. */
  readonly remarks: ReadonlyArray<string>
}

/** What is looked at of a text or a file, in characters or bytes: more than is shown, since secrets are taken out of it. */
const MAX_READ = 256 * 1024

/** Longer than any secret of which a cut may have left a part. */
const MAX_BROKEN = 8 * 1024

/**
 * The beginning of a text.
 *
 * - `isCut`: whether it is the beginning of something longer itself.
 *
 * @internal
 */
export const head = (text: string, maxLength: number, isCut = text.length > MAX_READ): Excerpt => {
  const read = text.slice(0, MAX_READ)
  const clean = conceal(read)
  const usable = withoutBroken(clean, isCut)
  const { remarks, text: shown } = excerpt(clean !== read, usable, usable.slice(0, maxLength), "end")
  return { text: shown, remarks: isCut ? ["only its beginning was read", ...remarks] : remarks }
}

/**
 * The beginning of a text that stands among others, and which says itself that it was cut. Its secrets are still to be
 * taken out, unless it was long.
 *
 * @internal
 */
export const shorten = (text: string, maxLength: number): string => {
  if (text.length <= maxLength) return text
  const read = text.slice(0, maxLength + 2 * MAX_BROKEN)
  const isCut = read.length < text.length
  const clean = withoutBroken(conceal(read), isCut)
  return isCut || clean.length > maxLength ? `${clean.slice(0, maxLength)} [cut]` : clean
}

const withoutBroken = (clean: string, isCut: boolean): string => (isCut ? clean.slice(0, -MAX_BROKEN) : clean)

/** The end of a text. */
const tail = (text: string, maxLength: number): Excerpt => {
  const clean = concealPrintable(text)
  return excerpt(clean !== printable(text), clean, clean.slice(Math.max(0, clean.length - maxLength)), "beginning")
}

const excerpt = (isChanged: boolean, clean: string, shown: string, cut: "beginning" | "end"): Excerpt => ({
  text: shown,
  remarks: [
    ...(shown.length === clean.length ? [] : [`cut: ${clean.length - shown.length} characters at the ${cut}`]),
    ...(isChanged ? ["secrets replaced"] : [])
  ]
})

// -----------------------------------------------------------------------------
// Logs
// -----------------------------------------------------------------------------

/**
 * The end of a log that an adapter has read.
 *
 * @internal
 */
export const logText = (text: string, maxLength: number): Excerpt => {
  const read = text.slice(-MAX_READ)
  return endOfLog(read, read.length < text.length, maxLength)
}

/**
 * The end of a log file.
 *
 * @internal
 */
export const logFile = (
  path: string,
  maxLength: number,
  maxRead = MAX_READ
): Effect.Effect<Excerpt, never, FileSystem> =>
  Effect.gen(function* () {
    const size = yield* sizeOf(path)
    const from = Math.max(0, size - maxRead)
    const bytes = yield* read(path, from, maxRead)
    return endOfLog(new TextDecoder().decode(bytes), from > 0, maxLength)
  }).pipe(Effect.catchAll((why) => Effect.succeed(leftOut(why))))

/**
 * The end of a log file as it stands, without colours, for what makes a hash of it: its secrets are still in it. Nothing of a file that
 * cannot be read.
 *
 * - `from` (0): what stands before this byte is left out.
 *
 * @internal
 */
export const endOfFile = (path: string, maxRead: number, from = 0): Effect.Effect<string, never, FileSystem> =>
  Effect.gen(function* () {
    const size = yield* sizeOf(path)
    const bytes = yield* read(path, Math.max(from, size - maxRead), maxRead)
    return printable(new TextDecoder().decode(bytes))
  }).pipe(Effect.orElseSucceed(() => ""))

/**
 * So many bytes of a log file from there on; nothing of one that cannot be read.
 *
 * @internal
 */
export const partOfFile = (path: string, from: number, length: number): Effect.Effect<Uint8Array, never, FileSystem> =>
  length === 0
    ? Effect.succeed(new Uint8Array())
    : sizeOf(path).pipe(
        Effect.zipRight(read(path, from, length)),
        Effect.orElseSucceed(() => new Uint8Array())
      )

/**
 * How many bytes a log file has; 0 if it is not there.
 *
 * @internal
 */
export const fileSize = (path: string): Effect.Effect<number, never, FileSystem> =>
  Effect.orElseSucceed(sizeOf(path), () => 0)

/**
 * The same of a text.
 *
 * @internal
 */
export const endOfText = (text: string, maxRead: number): string => printable(text.slice(-maxRead))

const endOfLog = (read: string, isCut: boolean, maxLength: number): Excerpt => {
  const { remarks, text } = tail(isCut ? read.slice(firstWholeLine(read)) : read, maxLength)
  return { text, remarks: isCut ? ["only its end was read", ...remarks] : remarks }
}

/**
 * Where to begin in a text whose beginning was cut off, so that no part of a secret is left that cannot be known for one.
 *
 * @internal
 */
export const firstWholeLine = (read: string): number => {
  const end = read.slice(0, MAX_BROKEN).indexOf("\n")
  return end === -1 ? MAX_BROKEN : end + 1
}

const PARTED = "\u0001"

// One sign for each colour and the like.
const parted = (text: string): string =>
  stripVTControlCharacters(
    text
      .replace(/\r\n?/g, "\n")
      .replaceAll("\u001b", `${PARTED}\u001b`)
      // The end of one that has begun before.
      .replaceAll(`${PARTED}\u001b\\`, "\u001b\\")
      .replaceAll("\u009b", `${PARTED}\u009b`)
  ).replace(/[^\P{Cc}\t\n]/gu, PARTED)

const printable = (text: string): string => parted(text).replaceAll(PARTED, "")

// Colours and the like could stand between the letters of a secret. Or they part it from a word, with which it looks like
// none: it is then found before they go, and with it goes what may be the rest of it.
const concealPrintable = (text: string): string =>
  conceal(
    conceal(parted(text))
      .split(placeholder)
      .map((part, index) => (index > 0 && part.startsWith(PARTED) ? part.replace(/^\S*/, "") : part))
      .join(placeholder)
      .replaceAll(PARTED, "")
  )

// -----------------------------------------------------------------------------
// Files
// -----------------------------------------------------------------------------

/**
 * A file as it was seen.
 *
 * @internal
 */
export interface SeenFile extends Excerpt {
  /** The hash of all of it; `null` if it was not read to its end. */
  readonly hash: string | null
  /** Whether the text is the file, to the byte. */
  readonly isWhole: boolean
}

/** @internal */
export const file = (path: string, maxLength: number): Effect.Effect<SeenFile, never, FileSystem> =>
  Effect.gen(function* () {
    const { bytes, hash, isCut } = yield* beginningOf(path)
    // A character that the cut has left a part of is not wrong.
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: isCut })
    if (text.includes("\0")) return { ...leftOut("it is no text"), hash, isWhole: false }
    const shown = head(text, maxLength, isCut)
    const isText = !text.includes("\ufffd")
    const remarks = isText ? shown.remarks : ["parts of it are no valid UTF-8", ...shown.remarks]
    return { text: shown.text, remarks, hash, isWhole: isText && shown.text === text }
  }).pipe(Effect.catchAll((why) => Effect.succeed({ ...leftOut(why), hash: null, isWhole: false })))

/**
 * The hash of all of a file; `null` if there is no file that can be read to its end.
 *
 * @internal
 */
export const fileHash = (path: string): Effect.Effect<string | null, never, FileSystem> =>
  beginningOf(path).pipe(
    Effect.map(({ hash }) => hash),
    Effect.catchAll(() => Effect.succeed(null))
  )

// Its size does not tell whether that is all of it: it may grow, and that of a file in /proc is 0.
const beginningOf = (path: string) =>
  Effect.gen(function* () {
    yield* sizeOf(path)
    const bytes = yield* read(path, 0, MAX_READ + 1)
    const isCut = bytes.length > MAX_READ
    return { bytes, hash: isCut ? null : hashOf(bytes), isCut }
  })

/** @internal */
export const hashOf = (content: Uint8Array | string): string =>
  `sha256:${createHash("sha256").update(content).digest("hex")}`

// -----------------------------------------------------------------------------
// Reading
// -----------------------------------------------------------------------------

/** Fails, in words, for what is no file, since a pipe may have no end. */
const sizeOf = (path: string): Effect.Effect<number, string, FileSystem> =>
  Effect.gen(function* () {
    const { size, type } = yield* Effect.mapError((yield* FileSystem).stat(path), fileProblem)
    return type === "File" ? Number(size) : yield* Effect.fail(type === "FIFO" ? "a pipe" : `a ${inWords(type)}`)
  })

const read = (path: string, from: number, atMost: number): Effect.Effect<Uint8Array, string, FileSystem> =>
  Effect.flatMap(FileSystem, (fileSystem) =>
    Stream.runCollect(fileSystem.stream(path, { offset: from, bytesToRead: atMost }))
  ).pipe(
    Effect.map((chunks) => Buffer.concat(Chunk.toReadonlyArray(chunks))),
    Effect.mapError(fileProblem)
  )

const leftOut = (why: string): Excerpt => ({ text: "", remarks: [`left out: ${why}`] })
