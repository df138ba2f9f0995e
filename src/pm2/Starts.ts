/**
 * Processes that PM2 has said to start, and does not list yet: one that waits for `ready` lives for some time before PM2 tells.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import type { Process } from "./daemon/Payload.js"
import { isUp } from "./OpenClawRules.js"

/** How long a start may take, in milliseconds. One that has come to nothing by then has failed. */
const MAX_START = 10_000

const MAX_STARTS = 1000

/** @internal */
export interface Starts {
  readonly add: (slot: string) => void
  readonly ended: (slot: string) => void
  /**
   * Takes a list, and tells whether a process is being started that is not in it: one that `counts`, or of which that is not
   * known, since it was never listed.
   */
  readonly listed: (processes: ReadonlyArray<Process>, counts: (process: Process) => boolean) => boolean
}

/** @internal */
export const make = (clock: Clock.Clock): Starts => {
  const starts = new Map<string, { readonly at: number; readonly runId: string | null | undefined }>()
  let runIds: ReadonlyMap<string, string | null> = new Map()
  return {
    add: (slot) => {
      if (starts.size < MAX_STARTS) starts.set(slot, { at: clock.unsafeCurrentTimeMillis(), runId: runIds.get(slot) })
    },
    ended: (slot) => starts.delete(slot),
    listed: (processes, counts) => {
      runIds = new Map(processes.map(({ runId, slot }) => [slot, runId]))
      const bySlot = new Map(processes.map((process) => [process.slot, process]))
      const now = clock.unsafeCurrentTimeMillis()
      let isStarting = false
      for (const [slot, { at, runId }] of starts) {
        const process = bySlot.get(slot)
        // One that could not be spawned is online, and not up.
        const hasStarted =
          process !== undefined && process.runId !== runId && (process.status === "online" || isUp(process))
        if (hasStarted || Math.abs(now - at) > MAX_START) starts.delete(slot)
        // One that is restarted at once counts as it is.
        else if (process === undefined || (counts(process) && !isUp(process))) isStarting = true
      }
      return isStarting
    }
  }
}
