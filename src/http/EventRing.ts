/**
 * The last events, in the order of their numbers. Plain values: who reads it keeps a place of its own.
 *
 * @internal
 */

/** How many events, and how many bytes of them, can be made up for. */
const MAX_EVENTS = 1024
const MAX_BYTES = 4 * 1024 * 1024

/**
 * - `last`: the number of the last event; 0 before the first one.
 * - `push`: adds an event, whose text is made with its number.
 * - `after`: the events after this number; `undefined` if one of them is gone.
 *
 * @internal
 */
export interface EventRing {
  readonly last: () => number
  readonly push: (textOf: (number: number) => Uint8Array) => void
  readonly after: (seen: number) => ReadonlyArray<Uint8Array> | undefined
}

/** @internal */
export const make = (): EventRing => {
  const texts: Array<Uint8Array> = []
  let bytes = 0
  let last = 0
  return {
    last: () => last,
    push: (textOf) => {
      last += 1
      const text = textOf(last)
      texts.push(text)
      bytes += text.length
      // The newest one stays, however large it is.
      while (texts.length > MAX_EVENTS || (bytes > MAX_BYTES && texts.length > 1)) bytes -= texts.shift()?.length ?? 0
    },
    after: (seen) => {
      const gone = last - texts.length
      return seen < gone || seen > last ? undefined : texts.slice(seen - gone)
    }
  }
}
