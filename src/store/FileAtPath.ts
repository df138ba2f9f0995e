/**
 * Which file is at a path.
 *
 * @internal
 */
import { type BigIntStats, statSync } from "node:fs"

/**
 * What is there. A folder that may not be looked into any more says nothing about its files.
 *
 * @internal
 */
export type FileAtPath = BigIntStats | undefined | "unknown"

/**
 * A look costs about a microsecond. It is synchronous, so that nothing is acknowledged between a commit and the look.
 *
 * @internal
 */
export const lookAt = (path: string): FileAtPath => {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })
  } catch {
    return "unknown"
  }
}

/**
 * Whether it is the one that was opened, as far as can be told.
 *
 * @internal
 */
export const isSame = (found: FileAtPath, opened: FileAtPath): boolean =>
  found === "unknown" ||
  (found !== undefined && opened !== "unknown" && found.ino === opened?.ino && found.dev === opened.dev)
