/**
 * What PM2 starts as the module `effect-healing`.
 *
 * @internal
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { layerLogger } from "./LogLines.js"
import { run, STOPPED } from "./Module.js"
import { nodeProblem } from "./NodeVersion.js"

const start = run.pipe(
  Effect.tapErrorCause((cause) => (Cause.isInterruptedOnly(cause) ? Effect.void : Effect.logFatal("broke:", cause))),
  Effect.provide([NodeContext.layer, layerLogger])
)

// A terminal that is closed says so: it is an end as clean as the others.
process.once("SIGHUP", () => process.kill(process.pid, "SIGTERM"))

const problem = nodeProblem(process.versions.node)
if (problem === undefined) {
  NodeRuntime.runMain(start, {
    disableErrorReporting: true,
    disablePrettyLogger: true,
    teardown: (exit, onExit) => {
      if (Exit.isSuccess(exit)) onExit(Number(exit.value))
      else onExit(Cause.isInterruptedOnly(exit.cause) ? 0 : 1)
    }
  })
} else {
  // This is no Effect: one need not run on such a Node any more.
  globalThis.console.error(problem)
  process.exit(STOPPED)
}
