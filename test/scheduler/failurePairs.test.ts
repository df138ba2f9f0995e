import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ErrorLines from "../../src/scheduler/ErrorLines.js"
import { programs, type RunOf, runs, surroundings } from "../support/failureSamples.js"
import { signatureOfLog } from "../support/failureSignature.js"

const [first, second] = runs

describe("of failures of the same program", () => {
  for (const { causes, name, print } of programs) {
    it.effect(`${name}: two are the same in two runs, and two causes are not, whatever stands around them`, () =>
      Effect.forEach(
        surroundings,
        Effect.fnUntraced(function* (around) {
          const signatureOf = (cause: string, run: RunOf) => signatureOfLog(around.wrap(print(cause, run), run))
          const one = yield* signatureOf(causes[0], first)
          assert.isNotNull(one, around.name)
          assert.strictEqual(yield* signatureOf(causes[0], second), one, around.name)
          assert.notStrictEqual(yield* signatureOf(causes[1], first), one, around.name)
          assert.notStrictEqual(yield* signatureOf(causes[1], second), one, around.name)
        })
      )
    )
  }
})

describe("a failure is unknown", () => {
  for (const { name, wrap } of surroundings) {
    it(`of which nothing is told but what ${name} says of its end`, () => {
      assert.deepStrictEqual(ErrorLines.ofLog(wrap("starting\nListening on port 3000", first)), [])
    })
  }
})
