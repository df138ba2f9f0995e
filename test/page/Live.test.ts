import { assert, describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import type { ApiEvent, ApiSegment } from "effect-healing/http"
import * as Live from "../../src/page/Live.js"
import { parameters, runsOf } from "../support/property.js"
import { quietStatus } from "../support/quietStatus.js"

const file = "test/page/Live.test.ts"

const segment = (id: number, to: number | null): ApiSegment => ({
  id,
  kind: "run",
  name: "a",
  from: 1,
  to,
  outcome: null
})

const told = (live: Live.Live, ...events: ReadonlyArray<ApiEvent>) => events.reduce(Live.after, live)

const snapshot = (start: string): ApiEvent => ({
  _tag: "Snapshot",
  at: 1,
  status: quietStatus(start),
  queue: [],
  suggestions: []
})

const segmentEvent = (segment: ApiSegment): ApiEvent => ({ _tag: "Segment", at: 1, segment })

describe("what the page knows", () => {
  it("does not let a segment that has ended go on again, in whichever order it comes to know of it", () => {
    const step = fc.record({ id: fc.nat(5), isEnded: fc.boolean(), isAsked: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const ended = new Set<number>()
        let live = Live.nothing
        for (const { id, isAsked, isEnded } of steps) {
          const one = segment(id, isEnded ? 9 : null)
          live = isAsked ? Live.withTimeline(live, [one]) : told(live, segmentEvent(one))
          if (isEnded) ended.add(id)
          for (const id of ended) assert.strictEqual(live.segments.get(id)?.to, 9)
        }
        assert.deepStrictEqual(new Set(live.segments.keys()), new Set(steps.map(({ id }) => id)))
      }),
      parameters(runsOf({ few: 300, many: 10_000 }), file)
    )
  })

  it("forgets the segments of another process, whose numbers mean something else", () => {
    const live = told(Live.nothing, snapshot("1"), segmentEvent(segment(1, 9)))
    assert.strictEqual(told(live, snapshot("1")).segments.size, 1)
    assert.strictEqual(told(live, snapshot("2")).segments.size, 0)
  })

  it("keeps 2,000 segments, the oldest of which go first", () => {
    const all = Array.from({ length: 2005 }, (_, id) => segment(id, 9))
    // The last ones come as events, before the answer to what was asked for.
    const live = Live.withTimeline(told(Live.nothing, ...all.slice(1990).map(segmentEvent)), all.slice(0, 1990))
    assert.strictEqual(live.segments.size, 2000)
    assert.isFalse(live.segments.has(4))
    assert.isTrue(live.segments.has(5))
    assert.isTrue(live.segments.has(2004))
  })
})
