/**
 * Node, the time zone, and the driver of SQLite.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as TimeZone from "../policy/TimeZone.js"
import { checkDriver } from "../store/SqliteVersions.js"
import { type Finding, fail, ok, warn } from "./Finding.js"

/** What `engines` in package.json says. */
const OLDEST = 22

/**
 * - `version`: of Node, such as `24.19.0`.
 *
 * @internal
 */
export const node = (version: string): Finding =>
  Number.parseInt(version, 10) < OLDEST
    ? fail("node", `This is Node ${version}, and ${OLDEST} is needed`, "Install a newer Node, then pm2 update")
    : ok("node", `Node ${version}`)

/** @internal */
export const sqlite: Effect.Effect<Finding> = Effect.promise(() => import("../store/SqliteDriver.js")).pipe(
  Effect.flatMap(({ driver }) => checkDriver(driver)),
  Effect.match({
    onFailure: ({ detail }) =>
      fail("sqlite", detail, "Install the better-sqlite3 that this package depends on: npm install"),
    onSuccess: () => ok("sqlite", "its driver fits this Node")
  }),
  // It is native code, which may not be there for this machine.
  Effect.catchAllCause(() =>
    Effect.succeed(
      fail("sqlite", "its driver cannot be loaded", "Install the package anew on this machine: npm install")
    )
  )
)

/**
 * - `environment`: the `TZ` of the environment, if there is one.
 *
 * @internal
 */
export const timeZone = (environment: string | undefined): Finding => {
  const zone = TimeZone.machine()
  if (environment !== undefined && environment !== "" && !TimeZone.exists(environment)) {
    return warn(
      "time zone",
      `TZ is ${JSON.stringify(environment)}, which is no time zone: schedules without one go by ${zone}`,
      "Name one such as Europe/Berlin in TZ, or in each schedule by time_zone"
    )
  }
  return ok("time zone", `${zone}, for schedules that name none`)
}
