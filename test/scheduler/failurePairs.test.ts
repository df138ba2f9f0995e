import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ErrorLines from "../../src/scheduler/ErrorLines.js"
import { stableText } from "../../src/scheduler/StableText.js"
import { programs, type RunOf, runs, surroundings } from "../support/failureSamples.js"
import { signatureOfLog } from "../support/failureSignature.js"
import { isFull } from "../support/property.js"

const [first, second] = runs

describe("of failures of the same program", () => {
  for (const [index, { causes, name, print }] of programs.entries()) {
    it.effect(`${name}: two are the same in two runs, and two causes are not, whatever stands around them`, () =>
      Effect.forEach(
        surroundings.filter((_, other) => isFull || (index + other) % 2 === 0),
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

describe("a log is read", () => {
  it("in time that does not explode, whatever stands in it", () => {
    const parts = [
      "error ",
      "1",
      "1a",
      "a-",
      "a.",
      "1:",
      "job 1234 ",
      "[a] ",
      "é ",
      "thread-",
      "thread '",
      "    at a ",
      "1h2m",
      "{",
      "\\"
    ]
    for (const [index, one] of parts.entries()) {
      for (const other of parts.filter((_, other) => isFull || (index + other) % 3 === 0)) {
        const log = `${`error ${`${one}${other}`.repeat(2000)}x\n`.repeat(2)}`
        assert.isAtLeast(ErrorLines.ofLog(log).map(stableText).length, 0)
      }
    }
  })
})
