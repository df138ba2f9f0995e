/**
 * A PostgreSQL server of one's own: a new cluster in a folder that goes away, on loopback, with a password. It runs as the user `postgres`
 * where this process is root, since PostgreSQL refuses to run as root.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { accessSync, chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { setTimeout } from "node:timers/promises"

/**
 * - `url`: of its database `healing`, with the password of its only user.
 * - `pid`: of its main process.
 * - `restart`: starts it again after it was killed, with the same content, at the same address.
 * - `stop`: ends it, and removes the folder.
 */
export interface Postgres {
  readonly url: string
  readonly pid: () => number
  readonly restart: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Where Debian and others put the programs of a server. The newest comes first. */
const folders = (): ReadonlyArray<string> => {
  const root = "/usr/lib/postgresql"
  const versions = (() => {
    try {
      return readdirSync(root).sort((a, b) => Number(b) - Number(a))
    } catch {
      return []
    }
  })()
  return [...versions.map((version) => join(root, version, "bin")), ...(process.env.PATH ?? "").split(delimiter)]
}

/** The folder of `initdb` and `postgres`, if they are installed. */
export const binaries: string | undefined = folders().find((folder) => {
  try {
    accessSync(join(folder, "initdb"))
    accessSync(join(folder, "postgres"))
    return true
  } catch {
    return false
  }
})

export const MISSING = "PostgreSQL is not installed: apt-get install postgresql-15 (or another version, 13 or newer)"

/** Whom the server runs as. */
const owner = (): { readonly uid?: number; readonly gid?: number } => {
  if (process.getuid?.() !== 0) return {}
  const id = (option: string) => Number(execFileSync("id", [option, "postgres"], { encoding: "utf8" }))
  return { uid: id("-u"), gid: id("-g") }
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  if (address === null || typeof address === "string") throw new Error("no port is free")
  return address.port
}

/** Resolves when the server takes connections. */
const isReady = (server: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    let log = ""
    server.stderr?.setEncoding("utf8").on("data", (text: string) => {
      log = (log + text).slice(-10_000)
      if (text.includes("ready to accept connections")) resolve()
    })
    server.once("exit", () => reject(new Error(`PostgreSQL has ended:\n${log}`)))
    server.once("error", reject)
  })

/**
 * Starts one, which ends with this process unless that is killed.
 *
 * - `fsync`: whether a commit waits for the disk. What is committed survives the death of the server in any case, but for a power cut.
 */
export const startPostgres = async ({ fsync = false } = {}): Promise<Postgres> => {
  if (binaries === undefined) throw new Error(MISSING)
  const folder = mkdtempSync(join(tmpdir(), "effect-healing-postgres-"))
  const as = owner()
  if (as.uid !== undefined && as.gid !== undefined) chownSync(folder, as.uid, as.gid)
  const data = join(folder, "data")
  const password = randomBytes(12).toString("hex")
  const passwordFile = join(folder, "password")
  writeFileSync(passwordFile, password, { mode: 0o644 })
  const options = ["-D", data, "-U", "healing", `--pwfile=${passwordFile}`, "-A", "scram-sha-256"]
  execFileSync(
    join(binaries, "initdb"),
    [...options, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"],
    { ...as, cwd: folder, stdio: ["ignore", "ignore", "pipe"] }
  )
  rmSync(passwordFile)
  const port = await freePort()
  const settings = {
    listen_addresses: "127.0.0.1",
    port,
    unix_socket_directories: folder,
    max_connections: 300,
    fsync: fsync ? "on" : "off"
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])

  const start = async (): Promise<ChildProcess> => {
    const started = spawn(join(binaries ?? "", "postgres"), ["-D", data, ...flags], {
      ...as,
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"]
    })
    await isReady(started)
    return started
  }

  /** The processes of one that was killed notice that by themselves, and are in the way until then. */
  const startAgain = async (): Promise<ChildProcess> => {
    try {
      return await start()
    } catch (error) {
      if (!String(error).includes("shared memory block")) throw error
      await setTimeout(100)
      return startAgain()
    }
  }

  let server = await start()
  const hasEnded = () => server.exitCode !== null || server.signalCode !== null
  const kill = () => {
    if (!hasEnded()) server.kill("SIGQUIT")
  }
  process.on("exit", kill)
  const base = `postgres://healing:${password}@127.0.0.1:${port}`
  execFileSync(join(binaries, "psql"), [`${base}/postgres`, "-q", "-c", "CREATE DATABASE healing"])
  return {
    url: `${base}/healing`,
    pid: () => server.pid ?? 0,
    restart: async () => {
      if (!hasEnded()) await once(server, "exit")
      server = await startAgain()
    },
    stop: async () => {
      process.off("exit", kill)
      if (!hasEnded()) {
        // Connections are not waited for.
        server.kill("SIGINT")
        await once(server, "exit")
      }
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
