/**
 * The folder in which ProcClaw keeps its configuration, its logs and its database.
 *
 * @internal
 */
import { existsSync, readFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import * as Predicate from "effect/Predicate"
import { parse } from "yaml"

const DEFAULT_PORT = 9876

const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"])

/**
 * The folder of the daemon that listens at this address, if that is the one of this user: its configuration names the same port.
 *
 * @internal
 */
export const ofThisUser = (url: URL): string | undefined => {
  const home = join(homedir(), ".procclaw")
  const isHere = LOOPBACK.has(url.hostname) && existsSync(home)
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port
  return isHere && String(portIn(home)) === port ? home : undefined
}

const portIn = (home: string): unknown => {
  const path = join(home, "procclaw.yaml")
  try {
    const document: unknown = existsSync(path) ? parse(readFileSync(path, "utf8"), { logLevel: "error" }) : {}
    const daemon = Predicate.hasProperty(document, "daemon") ? document.daemon : {}
    return Predicate.hasProperty(daemon, "port") ? daemon.port : DEFAULT_PORT
  } catch {
    return undefined
  }
}
