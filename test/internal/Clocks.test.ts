/** The steady clock, on a machine that says it was suspended. */
import { createRequire, syncBuiltinESMExports } from "node:module"
import type * as Os from "node:os"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, TestClock } from "effect"
import * as Clocks from "../../src/internal/Clocks.js"

const HOUR = 3_600_000

// The module of Node itself, whose functions can be replaced for those who have imported them.
const os = createRequire(import.meta.url)("node:os") as typeof Os

const suspendMachine = (millis: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { uptime } = os
      os.uptime = () => uptime() + millis / 1000
      syncBuiltinESMExports()
      return uptime
    }),
    (uptime) =>
      Effect.sync(() => {
        os.uptime = uptime
        syncBuiltinESMExports()
      })
  )

describe("a suspension of the machine", () => {
  it.scoped("moves the steady clock of the machine, and none that somebody else made", () =>
    Effect.gen(function* () {
      const clocks = [Clock.make(), yield* Effect.clock] as const
      const before = clocks.map((clock) => Clocks.millis(clock, true))
      yield* suspendMachine(HOUR)
      yield* TestClock.adjust("1 second")
      const [machine = 0, test] = clocks.map((clock, index) => Clocks.millis(clock, true) - (before[index] ?? 0))
      // Two clocks are read one after the other, one of which goes in steps of ten milliseconds.
      assert.isAtLeast(machine, HOUR - 1000)
      assert.strictEqual(test, 1000)
    })
  )
})
