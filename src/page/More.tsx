/**
 * How much of a list is shown, and how to see more of it.
 *
 * @internal
 */
import type { VNode } from "preact"
import { useState } from "preact/hooks"

const FIRST = 50

/** What the API tells at once, at most. */
const MOST = 1000

/**
 * How many are asked for, and what shows twice as many.
 *
 * @internal
 */
export const useLimit = (): readonly [limit: number, more: () => void] => {
  const [limit, setLimit] = useState(FIRST)
  return [limit, () => setLimit(Math.min(limit * 2, MOST))]
}

/**
 * - `isAll`: whether there is nothing more.
 * - `command`: the one that goes on where the page ends.
 *
 * @internal
 */
export const More = ({
  command,
  isAll,
  limit,
  more
}: {
  readonly command: string
  readonly isAll: boolean
  readonly limit: number
  readonly more: () => void
}): VNode | null => {
  if (isAll) return null
  return limit < MOST ? (
    <button type="button" onClick={more}>
      Show more
    </button>
  ) : (
    <p class="quiet">There are more: a filter finds them, and so does the command effect-healing {command}.</p>
  )
}
