/**
 * How a process has ended, in words.
 *
 * @internal
 */
import { constants } from "node:os"

/** What a shell answers for a process that a signal has ended: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html. */
const BY_SIGNAL = 128

/** That which ends processes when memory runs out, by the kernel or by PM2's `max_memory_restart`. */
const perhaps: Readonly<Record<string, string>> = { SIGKILL: ", perhaps for want of memory" }

/**
 * The signal that has ended it, as in `SIGKILL, perhaps for want of memory`; `undefined` if it has ended by itself.
 *
 * @internal
 */
export const signalOf = (exitCode: number): string | undefined => {
  const found = Object.entries(constants.signals).find(([, number]) => number === exitCode - BY_SIGNAL)
  return found && `${found[0]}${perhaps[found[0]] ?? ""}`
}
