/** What the API tells of a service in which nothing runs and nobody waits. */
import type { ApiStatus } from "effect-healing/http"

/** - `start`: which run of the process it is. */
export const quietStatus = (start: string): ApiStatus => ({
  start,
  at: 0,
  enabled: true,
  waiting: 0,
  line: [],
  running: [],
  heldBy: [],
  holds: [],
  openClaw: { jobs: [], unknown: [] },
  quotas: [],
  next: null,
  stopped: [],
  locked: []
})
