import { NodeContext } from "@effect/platform-node"
import { type Context, Effect } from "effect"
import { EvidenceScope, type LogMark, type Supervisor } from "effect-healing"
import * as FailureSignature from "../../src/scheduler/FailureSignature.js"
import { failureOf, noEvidence } from "./schedulerWorld.js"

/** The signature of a failure of which nothing is known but its exit code, and this log. */
export const signatureOfLog = (text: string, exitCode: number | null = 1): Effect.Effect<string | null> =>
  FailureSignature.make(failureOf("A", "1", { exitCode, lastError: null }), {
    ...noEvidence,
    logs: [{ name: "stderr", text }]
  }).pipe(Effect.provide(NodeContext.layer))

/** The signature of a failure of a job, as its supervisor tells of it. */
export const signatureOfFailure = (
  supervisor: Context.Tag.Service<Supervisor>,
  job: string,
  runId: string,
  exitCode: number,
  since: ReadonlyArray<LogMark> = []
): Effect.Effect<string | null> =>
  Effect.gen(function* () {
    const [info] = (yield* supervisor.jobs).filter(({ id }) => id === job)
    if (info === undefined) return null
    const evidence = yield* supervisor.evidence(info, EvidenceScope.Failure({ runId, limit: 1 }))
    return yield* FailureSignature.make({ runId, exitCode }, evidence, since)
  }).pipe(Effect.orDie, Effect.provide(NodeContext.layer))
