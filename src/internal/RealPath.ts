/**
 * What a path really names, by which two names of one place are known to be the same.
 *
 * @internal
 */
import { realpathSync } from "node:fs"
import { basename, dirname, join } from "node:path"

/**
 * A path without links, as far as it is there.
 *
 * @internal
 */
export const realPath = (path: string): string => {
  try {
    return realpathSync.native(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(realPath(parent), basename(path))
  }
}
