/** What the tests of the reviewer share: a supervisor with one job, a store in memory, and a CLI that does as it is told. */
import { existsSync } from "node:fs"
import { NodeContext } from "@effect/platform-node"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer, Stream } from "effect"
import {
  type Evidence,
  type EvidenceScope,
  HealingConfig,
  type HealingRequest,
  type HealingSettingsInput,
  HealingStore,
  type JobInfo,
  ReviewError,
  Reviewer,
  Supervisor,
  type SupervisorError
} from "effect-healing"
import { type OpenClawError, type OpenClawOptions, OpenClawReviewer } from "effect-healing/openclaw"
import { accept } from "../../src/request/RequestLife.js"
import { nothing } from "../support/gatherEvidence.js"
import { makeFake, type Turn } from "./makeFake.js"

export const digest: JobInfo = { id: "digest", kind: "cron", openClaw: true, policy: {} }

/** A request for a review of the job, whose turn has come. */
export const wanted = (trigger = "failure", wish: Partial<HealingRequest> = {}): HealingRequest => ({
  ...accept(
    100,
    {
      job: digest.id,
      priority: -10,
      runId: null,
      note: null,
      callersOnly: false,
      waitUntil: null,
      cooldown: null,
      signature: null,
      trigger
    },
    0,
    null
  ),
  state: "running",
  ...wish
})

/** An answer that is a report. */
export const answer = (fields: object = {}): string =>
  JSON.stringify({ summary: "The disk was full.", rootCause: "Logs are never removed.", suggestions: [], ...fields })

export const suggestion = (fields: object = {}): object => ({
  category: "config",
  severity: "high",
  title: "Remove old logs",
  description: "They fill the disk.",
  change: "Keep seven of them.",
  ...fields
})

export interface World {
  readonly turns?: ReadonlyArray<Turn>
  readonly generation?: "exec" | "message-file" | "message"
  readonly options?: OpenClawOptions
  readonly settings?: HealingSettingsInput
  readonly jobs?: Effect.Effect<ReadonlyArray<JobInfo>, SupervisorError>
  readonly evidence?: (scope: EvidenceScope) => Effect.Effect<Evidence, SupervisorError>
  /** What has ended before. */
  readonly history?: ReadonlyArray<HealingRequest>
}

/** A reviewer over the fake CLI. */
export const makeReviewWorld = ({ generation = "exec", turns = [{ text: answer() }], ...world }: World = {}) =>
  Effect.gen(function* () {
    const fake = yield* makeFake({ generation, turns })
    const scopes: Array<EvidenceScope> = []
    const SupervisorLive = Layer.succeed(Supervisor, {
      jobs: world.jobs ?? Effect.succeed([digest]),
      activity: Stream.never,
      events: Stream.never,
      runs: Stream.never,
      evidence: (_, scope) => {
        scopes.push(scope)
        return world.evidence?.(scope) ?? Effect.succeed(nothing)
      }
    })
    const context = yield* Layer.build(
      OpenClawReviewer.layer({ command: fake.command, model: "mock/mock-1", ...world.options }).pipe(
        Layer.provideMerge(HealingStore.layerMemory),
        Layer.provide([SupervisorLive, HealingConfig.layer(world.settings), NodeContext.layer])
      )
    )
    const store = Context.get(context, HealingStore)
    yield* Effect.forEach(world.history ?? [], (request) =>
      store.commit([{ _tag: "Transition", from: null, to: request }])
    )
    const { review } = Context.get(context, Reviewer)
    return { fake, scopes, review }
  })

export const aSecret = "sk-proj-abcdefghijklmnopqrstuvwxyz012345"

/** How the review fails, of which nothing is left. */
export const failureOf = ({ fake, review }: Effect.Effect.Success<ReturnType<typeof makeReviewWorld>>) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(review(wanted()))
    assert.instanceOf(error, ReviewError)
    const { cause, job, reason, retry } = error
    assert.strictEqual(job, "digest")
    assert.deepStrictEqual(yield* fake.alive, [])
    for (const { env } of yield* fake.calls) assert.isFalse(existsSync(String(env.TMPDIR)))
    assert.notInclude(reason, aSecret)
    assert.isBelow(reason.length, 7000)
    // It says so of itself, in a type that knows of no reviewer.
    return { cause: cause as OpenClawError, retry, reason }
  })
