/**
 * Processes, by their numbers.
 *
 * @internal
 */
import * as Predicate from "effect/Predicate"

/**
 * Whether a process lives. One of somebody else's does, too.
 *
 * @internal
 */
export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return Predicate.hasProperty(error, "code") && error.code === "EPERM"
  }
}
