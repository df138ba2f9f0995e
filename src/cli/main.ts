#!/usr/bin/env node
/**
 * What a shell starts as `effect-healing`.
 *
 * @internal
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import { VERSION } from "../internal/Version.js"
import { run } from "./Cli.js"
import { CODES } from "./Problem.js"
import { Screen } from "./Screen.js"

const main = run(process.argv, VERSION).pipe(
  Effect.provide([NodeContext.layer, Screen.layer]),
  // What a person is told goes to the standard output; nothing else is said.
  Effect.provide(Logger.remove(Logger.defaultLogger))
)

// A reader that has seen enough, such as `head`, is no failure.
process.stdout.on("error", () => process.exit(CODES.done))

NodeRuntime.runMain(main, {
  disableErrorReporting: true,
  disablePrettyLogger: true,
  teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(exit.value) : CODES.failed)
})
