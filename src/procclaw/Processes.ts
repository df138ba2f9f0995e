/**
 * Which jobs have processes that live, as the system knows them. ProcClaw's own word is not enough: after a stop, a disable, a pause, its death
 * or the removal of a job the agent works on, while ProcClaw says that it has stopped. Only Linux tells, and only of processes of one's own
 * user that one can see.
 *
 * @internal
 */
import { readFileSync, statSync } from "node:fs"
import { basename, join } from "node:path"
import { ancestorIn, hasAncestor, pids, startOf, variablesOf, wordsOf } from "../internal/Proc.js"
import { realPath } from "../internal/RealPath.js"

const JOB = "PROCCLAW_JOB_ID"

/** What ProcClaw starts around each job: it also tells that the job lives, and can itself outlive everything. */
const WRAPPER = "procclaw-wrapper.sh"

/**
 * A job that has a process. `isForeign`: whether it seems to be one of another ProcClaw, by the home of its user.
 *
 * @internal
 */
export interface JobProcess {
  readonly job: string
  readonly isForeign: boolean
}

/**
 * The jobs that have a process. A process belongs to the job that its environment names, or that of an ancestor.
 *
 * - `home`: the folder of this ProcClaw.
 *
 * @internal
 */
export const jobsWithProcesses = (home: string): ReadonlyArray<JobProcess> => {
  const own = new Map<number, JobProcess>()
  const place = realPath(home)
  const all = pids()
  for (const pid of all) {
    const { [JOB]: job, HOME } = variablesOf(pid, JOB, [JOB, "HOME"])
    if (job === undefined || job === "") continue
    own.set(pid, { job, isForeign: HOME !== undefined && realPath(join(HOME, ".procclaw")) !== place })
  }
  if (own.size === 0) return []
  const wrappers = new Set(Array.from(own.keys()).filter(isWrapper))
  const counts = (pid: number) => !wrappers.has(pid) && !isSleep(pid) && startOf(pid) !== undefined
  const found = new Map<string, JobProcess>()
  for (const pid of all) {
    const named = own.has(pid) ? pid : ancestorIn(pid, own)
    const one = named === undefined ? undefined : own.get(named)
    if (one === undefined) continue
    const key = `${one.job} ${one.isForeign}`
    if (!found.has(key) && counts(pid) && !isOurs(pid, one.job)) found.set(key, one)
  }
  return Array.from(found.values())
}

/** This process may be a job itself, or be started by one. Then so seem its reviews, which are no job. */
const isOurs = (pid: number, job: string): boolean =>
  job === process.env[JOB] &&
  (pid === process.pid || hasAncestor(pid, new Set([process.pid])) || hasAncestor(process.pid, new Set([pid])))

const isWrapper = (pid: number): boolean => wordsOf(pid).some((word) => basename(word) === WRAPPER)

/** The wrapper waits between two signs of life, and what it waits by outlives it for up to five seconds. No agent is one. */
const isSleep = (pid: number): boolean => basename(wordsOf(pid)[0] ?? "") === "sleep"

/**
 * Whether the daemon of this home is seen to live here, as a process of one's own user: then its jobs are, too.
 *
 * @internal
 */
export const isDaemonHere = (home: string): boolean => {
  try {
    const pid = Number(readFileSync(join(home, "procclaw.pid"), "utf8").trim())
    if (!Number.isSafeInteger(pid) || pid <= 1 || process.platform !== "linux") return false
    const isOurs = statSync(`/proc/${pid}`).uid === process.getuid?.()
    return isOurs && startOf(pid) !== undefined && wordsOf(pid).some((word) => /procclaw/i.test(word))
  } catch {
    return false
  }
}
