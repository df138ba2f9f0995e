/**
 * Where PM2 keeps its sockets, its logs, and the folders of its modules.
 *
 * @internal
 */
import { homedir } from "node:os"
import { join } from "node:path"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"

/**
 * The `PM2_HOME` of the environment, or else `~/.pm2`.
 *
 * @internal
 */
export const defaultHome: Effect.Effect<string> = Config.string("PM2_HOME").pipe(
  Effect.orElseSucceed(() => join(homedir(), ".pm2"))
)

/**
 * The name of the module, by which PM2 knows it.
 *
 * @internal
 */
export const MODULE = "effect-healing"

/**
 * Where the module keeps its files.
 *
 * @internal
 */
export const moduleFolder = (home: string): string => join(home, MODULE)

/**
 * The SQLite file of the module.
 *
 * @internal
 */
export const moduleDatabase = (home: string): string => join(moduleFolder(home), "healing.db")
