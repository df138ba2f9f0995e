import { NodeContext } from "@effect/platform-node"
import { Effect } from "effect"
import * as FailureSignature from "../../src/scheduler/FailureSignature.js"
import { failureOf, noEvidence } from "./schedulerWorld.js"

/** The signature of a failure of which nothing is known but its exit code, and this log. */
export const signatureOfLog = (text: string, exitCode: number | null = 1): Effect.Effect<string | null> =>
  FailureSignature.make(failureOf("A", "1", { exitCode, lastError: null }), {
    ...noEvidence,
    logs: [{ name: "stderr", text }]
  }).pipe(Effect.provide(NodeContext.layer))
