/**
 * The files by which jobs show that they live: written anew each five seconds, and removed at the end. The loop that writes one can outlive
 * everything, so that it does not prove that a job runs.
 *
 * @internal
 */
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"

/** As ProcClaw has it, whatever the temporary folder of the system is. */
const FOLDER = "/tmp/procclaw-heartbeats"

/** One that is older has missed a beat. In milliseconds. */
const FRESH = 8000

/** Files that are looked at. */
const MAX_FILES = 1000

/**
 * The jobs with a fresh one, at a time of the wall clock in milliseconds.
 *
 * @internal
 */
export const freshAt = (now: number, folder = FOLDER): ReadonlyArray<string> => {
  try {
    return readdirSync(folder)
      .slice(0, MAX_FILES)
      .flatMap((name) => {
        const job = /^(.+)-\d+$/.exec(name)?.[1]
        return job !== undefined && now - writtenAt(join(folder, name)) < FRESH ? [job] : []
      })
  } catch {
    return []
  }
}

const writtenAt = (path: string): number => {
  try {
    return statSync(path).mtimeMs
  } catch {
    return Number.NEGATIVE_INFINITY
  }
}
