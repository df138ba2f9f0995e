/**
 * What a suggestion changes in a file, line by line.
 *
 * @internal
 */
import { formatPatch, OMIT_HEADERS, structuredPatch } from "diff"

/**
 * - `text`: a unified diff that `git apply` takes in the folder of the file.
 * - `added`, `removed`: how many lines come and go; one that is changed does both.
 *
 * @internal
 */
export interface Diff {
  readonly text: string
  readonly added: number
  readonly removed: number
}

/** A file of 64 KiB may have as many lines. With more changes than this, all of it counts as changed: to find these takes 60 ms. */
const MAX_EDITS = 1000

/** As git quotes a name: https://git-scm.com/docs/git-config#Documentation/git-config.txt-corequotePath. */
const quoted = (path: string): string =>
  /[\s"\\\p{Cc}]/u.test(path)
    ? `"${path.replaceAll(/["\\]/g, "\\$&").replaceAll(/\p{Cc}/gu, (sign) => `\\${sign.charCodeAt(0).toString(8).padStart(3, "0")}`)}"`
    : path

/**
 * - `before`: `null` if the file is not there.
 *
 * @internal
 */
export const diffOf = (name: string, before: string | null, after: string): Diff => {
  const found = structuredPatch(name, name, before ?? "", after, undefined, undefined, { maxEditLength: MAX_EDITS })
  const hunks = found?.hunks ?? [wholeHunk(before ?? "", after)]
  const lines = hunks.flatMap((hunk) => hunk.lines)
  const body = formatPatch({ oldFileName: name, newFileName: name, oldHeader: "", newHeader: "", hunks }, OMIT_HEADERS)
  return {
    text: `--- ${before === null ? "/dev/null" : quoted(`a/${name}`)}\n+++ ${quoted(`b/${name}`)}\n${body}`,
    added: lines.filter((line) => line.startsWith("+")).length,
    removed: lines.filter((line) => line.startsWith("-")).length
  }
}

/** @internal */
export const linesIn = (text: string): number => linesOf(text).length

const linesOf = (text: string): ReadonlyArray<string> => (text === "" ? [] : text.replace(/\n$/, "").split("\n"))

const NO_END = "\\ No newline at end of file"

const wholeHunk = (before: string, after: string) => {
  const side = (sign: string, text: string) => [
    ...linesOf(text).map((line) => `${sign}${line}`),
    ...(text === "" || text.endsWith("\n") ? [] : [NO_END])
  ]
  const [old, now] = [linesIn(before), linesIn(after)]
  return {
    oldStart: old === 0 ? 0 : 1,
    oldLines: old,
    newStart: now === 0 ? 0 : 1,
    newLines: now,
    lines: [...side("-", before), ...side("+", after)]
  }
}
