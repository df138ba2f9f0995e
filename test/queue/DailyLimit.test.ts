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

/** By how much a clock is set, one time after the other. */
const anywhere = FastCheck.array(
  FastCheck.oneof(FastCheck.integer({ min: -99 * DAY, max: 99 * DAY }), FastCheck.constantFrom(0, 1, -1, DAY, -DAY)),
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
          const counted = limit.begin(at)
          if (what === "begin") starts.push(at)
          else limit.undo(counted)
        }
      }),
      { numRuns: 500 }
    )
  })

  it("is as long as before, wherever the clock is set", () => {
    FastCheck.assert(
      FastCheck.property(max, begun, anywhere, (max, begun, steps) => {
        const starts = begun.sort((a, b) => a - b)
        const limit = limitAfter(max, starts)
        const at = starts.at(-1) ?? 0
        const before = limit.fullUntil(at)
        let ahead = 0
        for (const by of steps) {
          limit.move(by)
          ahead += by
          const until = limit.fullUntil(at + ahead)
          assert.strictEqual(until, before === undefined ? undefined : before + ahead)
        }
      }),
      { numRuns: 500 }
    )
  })

  it("forgets the one that it is told to, and no other", () => {
    const limit = new DailyLimit(2)
    const first = limit.begin(1)
    limit.begin(2)
    limit.undo(first)
    limit.begin(3)
    assert.strictEqual(limit.fullUntil(3), 2 + DAY)
    limit.undo(first)
    assert.strictEqual(limit.fullUntil(3), 2 + DAY, "it was forgotten before")
  })

  it("starts with the last ones of those that it is given", () => {
    assert.strictEqual(limitAfter(2, [1, 2, 3]).fullUntil(4), 2 + DAY)
    assert.isUndefined(limitAfter(4, [1, 2, 3]).fullUntil(4))
  })
})
