/**
 * A process of its own with a review by the CLI of the given path, in the temporary folder that it is started with:
 * `reviewProcess <command>`.
 */
import { NodeContext } from "@effect/platform-node"
import { Effect } from "effect"
import * as OpenClawCli from "../../src/openclaw/OpenClawCli.js"

const command = process.argv[2]
const review = Effect.flatMap(OpenClawCli.make({ command, model: "mock/mock-1" }), ({ ask }) =>
  ask("Why?", Number.POSITIVE_INFINITY)
)
await Effect.runPromise(Effect.provide(review, NodeContext.layer))
