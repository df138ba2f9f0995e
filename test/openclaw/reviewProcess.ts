/**
 * A process of its own with a review by the CLI of the given path, in the temporary folder that it is started with, which lasts so many
 * milliseconds at most: `reviewProcess <command> [lasts]`.
 */
import { NodeContext } from "@effect/platform-node"
import { Effect } from "effect"
import * as Clocks from "../../src/internal/Clocks.js"
import * as OpenClawCli from "../../src/openclaw/OpenClawCli.js"

const [, , command, lasts = "Infinity"] = process.argv
const review = Effect.gen(function* () {
  const { ask } = yield* OpenClawCli.make({ command, model: "mock/mock-1" })
  const now = Clocks.millis(yield* Effect.clock)
  return yield* ask("Why?", { end: Number.POSITIVE_INFINITY, killedAt: now + Number(lasts) })
})
await Effect.runPromise(Effect.provide(review, NodeContext.layer))
