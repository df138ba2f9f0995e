/**
 * The keys of writes, by which one that is sent again is not done again.
 *
 * @internal
 */
import { createHash } from "node:crypto"

/** How many are remembered. */
const MAX_KEYS = 10_000

/**
 * - `take`: whether nobody has this key. What frees it again is answered, for a write that has done nothing.
 *
 * @internal
 */
export interface WriteKeys {
  readonly take: (parts: ReadonlyArray<string>) => (() => void) | undefined
}

/** @internal */
export const make = (): WriteKeys => {
  const keys = new Map<string, symbol>()
  return {
    take: (parts) => {
      const key = createHash("sha256").update(JSON.stringify(parts)).digest("base64")
      if (keys.has(key)) return undefined
      for (const oldest of keys.keys()) {
        if (keys.size < MAX_KEYS) break
        keys.delete(oldest)
      }
      // Another one may have it by then, when ours was forgotten.
      const ours = Symbol()
      keys.set(key, ours)
      return () => {
        if (keys.get(key) === ours) keys.delete(key)
      }
    }
  }
}
