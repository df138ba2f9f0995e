/**
 * Processes, by their numbers.
 *
 * @internal
 */
import { codeOf } from "./ErrorCode.js"

/**
 * Whether a process lives. One of somebody else's does, too.
 *
 * @internal
 */
export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === "EPERM"
  }
}
