/** The PostgreSQL that the tests use: that of `HEALING_POSTGRES`, or one of their own, where it is installed. */
import { binaries, MISSING, startPostgres } from "../postgres/Postgres.js"

export const setup = async (): Promise<(() => Promise<void>) | undefined> => {
  if (process.env.HEALING_POSTGRES !== undefined) return
  if (binaries === undefined) {
    if (process.env.CI !== undefined) throw new Error(MISSING)
    console.warn(`The tests of PostgreSQL are left out. ${MISSING}`)
    return
  }
  const postgres = await startPostgres()
  process.env.HEALING_POSTGRES = postgres.url
  return postgres.stop
}
