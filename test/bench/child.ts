/**
 * Measurements in processes of their own, which have neither compiled nor kept anything.
 */
import { execFileSync } from "node:child_process"
import { copyFileSync } from "node:fs"
import { Effect } from "effect"
import { newFile } from "./disk.js"
import { isQuick } from "./ratio.js"

export type Sides = Record<"ours" | "floor", (file: string) => Effect.Effect<number>>

const run = (self: string, side: keyof Sides, file: string) =>
  Number(
    execFileSync(process.execPath, [...process.execArgv, self, side, file, ...(isQuick ? ["--quick"] : [])], {
      encoding: "utf8"
    })
  )

/** The file of the measurement, run again with this side, on a copy of this database: who opens it writes. */
export const inChild = (self: string, side: keyof Sides, store: string): Effect.Effect<number> =>
  Effect.map(newFile, (file) => {
    copyFileSync(store, file)
    return run(self, side, file)
  }).pipe(Effect.scoped)

/** The same without a database. */
export const inEmptyChild = (self: string, side: keyof Sides): Effect.Effect<number> =>
  Effect.sync(() => run(self, side, ""))

/** In the child: measures the side that it was run with. */
export const answer = async (self: string, sides: Sides): Promise<void> => {
  const [, script, side, file] = process.argv
  if (script !== self || file === undefined || (side !== "ours" && side !== "floor")) return
  console.log(await Effect.runPromise(sides[side](file)))
  process.exit()
}
