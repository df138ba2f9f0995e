/**
 * Where a page of the past has ended, as a text.
 *
 * @internal
 */
import type { HealingRequest } from "../request/HealingRequest.js"

/** @internal */
export interface Place {
  readonly endedAt: number
  readonly number: number
}

/**
 * The place behind this page of so many at most; `null` if there is nothing more.
 *
 * @internal
 */
export const nextOf = (page: ReadonlyArray<HealingRequest>, limit: number): string | null => {
  const last = page.at(-1)
  return last === undefined || page.length < limit ? null : `${last.endedAt ?? 0}:${last.number}`
}

/** @internal */
export const placeOf = (cursor: string): Place | undefined => {
  const [, endedAt, number] = /^(\d{1,16}):(\d{1,15})$/.exec(cursor) ?? []
  return endedAt === undefined ? undefined : { endedAt: Number(endedAt), number: Number(number) }
}
