import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { DailyLimit } from "../../src/queue/DailyLimit.js"

const DAY = 24 * 60 * 60 * 1000

/** Of a clock that is never set back: how far it goes on, and what happens. */
const forward = FastCheck.array(
  FastCheck.record({
    after: FastCheck.oneof(FastCheck.nat(5), FastCheck.nat(DAY), FastCheck.constantFrom(DAY - 1, DAY, DAY + 1)),
    what: FastCheck.constantFrom("begin", "begin", "begin", "begin and undo")
  }),
  { maxLength: 60 }
)

/** Of a clock that goes where it likes. */
const anywhere = FastCheck.array(
  FastCheck.oneof(FastCheck.integer({ min: 0, max: 3 * DAY }), FastCheck.constantFrom(0, 1, DAY - 1, DAY, DAY + 1)),
  { maxLength: 60 }
)

const max = FastCheck.integer({ min: 1, max: 5 })

const begun = FastCheck.array(FastCheck.nat(2 * DAY), { maxLength: 8 })

/** One under which reviews have begun at these times. */
const limitAfter = (max: number, starts: ReadonlyArray<number>): DailyLimit => {
  const limit = new DailyLimit(max)
  for (const start of starts) limit.begin(start)
  return limit
}

describe("DailyLimit", () => {
  it("lets one begin exactly if fewer than the limit have begun within 24 hours", () => {
    FastCheck.assert(
      FastCheck.property(max, begun, forward, (max, begun, steps) => {
        const starts = begun.sort((a, b) => a - b)
        const limit = limitAfter(max, starts)
        let at = starts.at(-1) ?? 0
        for (const { after, what } of steps) {
          at += after
          const within = starts.filter((start) => start > at - DAY)
          const until = limit.fullUntil(at)
          if (within.length >= max) {
            assert.strictEqual(until, Number(within.at(-max)) + DAY, "when the first of the last ones is a day ago")
            continue
          }
          assert.isUndefined(until)
          limit.begin(at)
          if (what === "begin") starts.push(at)
          else limit.undo()
        }
      }),
      { numRuns: 500 }
    )
  })

  it("holds nobody up for more than 24 hours, wherever the clock is set", () => {
    FastCheck.assert(
      FastCheck.property(max, anywhere, (max, times) => {
        const limit = new DailyLimit(max)
        let starts: ReadonlyArray<number> = []
        for (const at of times) {
          starts = starts.map((start) => Math.min(start, at))
          const first = starts.at(-max)
          const until = limit.fullUntil(at)
          assert.strictEqual(until, first === undefined || first <= at - DAY ? undefined : first + DAY)
          if (until === undefined) {
            limit.begin(at)
            starts = [...starts, at]
          } else {
            assert.isAbove(until, at)
            assert.isAtMost(until, at + DAY)
          }
        }
      }),
      { numRuns: 500 }
    )
  })

  it("is free for all 24 hours after the clock was set back", () => {
    const limit = limitAfter(2, [10 * DAY, 10 * DAY + 1])
    assert.strictEqual(limit.fullUntil(0), DAY)
    assert.strictEqual(limit.fullUntil(1), DAY)
    assert.isUndefined(limit.fullUntil(DAY))
    limit.begin(DAY)
    assert.isUndefined(limit.fullUntil(DAY), "the other one, too")
    limit.begin(DAY)
    assert.strictEqual(limit.fullUntil(DAY), 2 * DAY)
  })

  it("starts with the last ones of those that it is given", () => {
    assert.strictEqual(limitAfter(2, [1, 2, 3]).fullUntil(4), 2 + DAY)
    assert.isUndefined(limitAfter(4, [1, 2, 3]).fullUntil(4))
  })
})
