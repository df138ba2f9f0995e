/**
 * A PostgreSQL server to try things with, until Ctrl-C; or for as long as a command runs, which finds its address in `HEALING_POSTGRES`:
 *
 *     npm run postgres
 *     npm run postgres -- npm test -- store
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { startPostgres } from "./Postgres.js"

const [command, ...args] = process.argv.slice(2)
const postgres = await startPostgres()
const end = (): Promise<void> => postgres.stop()

if (command === undefined) {
  console.log(postgres.url)
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => void end())
} else {
  // Ctrl-C goes to the command as well, which ends as it wants to.
  process.on("SIGINT", () => {})
  const child = spawn(command, args, { stdio: "inherit", env: { ...process.env, HEALING_POSTGRES: postgres.url } })
  process.once("SIGTERM", () => child.kill())
  const [code] = await once(child, "exit")
  await end()
  process.exitCode = typeof code === "number" ? code : 1
}
