import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reviewed } from "effect-healing"
import { answer, makeWorld, suggestion, wanted } from "./reviewing.js"

describe("a review", () => {
  it.scopedLive("is a question to OpenClaw, and its answer", () =>
    Effect.gen(function* () {
      const { fake, review } = yield* makeWorld({ turns: [{ text: answer({ suggestions: [suggestion()] }) }] })
      assert.deepStrictEqual(
        yield* review(wanted()),
        Reviewed.Completed({
          report: {
            summary: "The disk was full.",
            rootCause: "Logs are never removed.",
            suggestions: [
              {
                category: "config",
                severity: "high",
                title: "Remove old logs",
                description: "They fill the disk.",
                currentState: null,
                change: "Keep seven of them.",
                expectedImpact: null,
                targetFile: null,
                proposedContent: null,
                fileHash: null
              }
            ],
            model: "mock/mock-1",
            tokens: { input: 111, output: 7, cacheRead: 0, cacheWrite: 0, total: 118 },
            costUsd: 0.000125
          }
        })
      )
      assert.lengthOf(yield* fake.turnCalls, 1)
    }).pipe(Effect.provide(NodeContext.layer))
  )
})
