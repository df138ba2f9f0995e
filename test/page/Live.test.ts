import { assert, describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import type { ApiEvent, ApiSegment, ApiStatus, RequestBrief, SuggestionBrief } from "effect-healing/http"
import * as Live from "../../src/page/Live.js"
import { parameters, runsOf } from "../support/property.js"

const file = "test/page/Live.test.ts"

const status = (start: string): ApiStatus => ({
  start,
  at: 1,
  enabled: true,
  waiting: 0,
  line: [],
  running: [],
  heldBy: [],
  holds: [],
  openClaw: { jobs: [], unknown: [] },
  quotas: [],
  next: null,
  stopped: [],
  locked: []
})

const request = (id: string, state: RequestBrief["state"]): RequestBrief => ({
  id,
  number: 1,
  job: id,
  state,
  priority: -10,
  triggers: ["failure"],
  runId: null,
  note: null,
  callersOnly: false,
  submittedAt: 1,
  notBefore: null,
  waitUntil: null,
  attempts: 0,
  starts: [],
  endedAt: null,
  reason: null,
  coalescedInto: null,
  cooldown: null,
  signatures: [],
  summary: null
})

const suggestion = (id: string, state: SuggestionBrief["state"]): SuggestionBrief => ({
  id,
  job: "digest",
  state,
  title: "t",
  category: "config",
  severity: "low",
  targetFile: null,
  set: null,
  proposedAt: 1,
  changedAt: 1,
  expiresAt: null,
  by: { who: "anna", door: "page" },
  reason: null
})

const segment = (id: number, to: number | null): ApiSegment => ({
  id,
  kind: "run",
  name: "a",
  from: 1,
  to,
  outcome: null
})

const told = (live: Live.Live, ...events: ReadonlyArray<ApiEvent>) => events.reduce(Live.after, live)

const snapshot = (start: string, queue: ReadonlyArray<RequestBrief> = []): ApiEvent => ({
  _tag: "Snapshot",
  at: 1,
  status: status(start),
  queue,
  suggestions: []
})

const segmentEvent = (segment: ApiSegment): ApiEvent => ({ _tag: "Segment", at: 1, segment })

describe("what the page knows", () => {
  it("is what a snapshot says, and then what each event says of one thing", () => {
    const names = fc.constantFrom("a", "b", "c")
    const states = fc.constantFrom<RequestBrief["state"][]>("pending", "running", "completed", "failed", "cancelled")
    const events = fc.array(fc.tuple(names, states), { maxLength: 30 })
    fc.assert(
      fc.property(events, events, (before, after) => {
        const live = told(
          Live.nothing,
          ...before.map(([id, state]): ApiEvent => requestEvent(id, state)),
          snapshot("1", [request("b", "pending")]),
          ...after.map(([id, state]): ApiEvent => requestEvent(id, state))
        )
        const last = new Map<string, string>([["b", "pending"], ...after])
        const expected = Array.from(last).filter(([, state]) => state === "pending" || state === "running")
        assert.deepStrictEqual(Array.from(live.requests, ([id, { state }]) => [id, state]).sort(), expected.sort())
      }),
      parameters(runsOf({ few: 300, many: 10_000 }), file)
    )
  })

  it("has the suggestions that somebody can do something about", () => {
    const event = (state: SuggestionBrief["state"]): ApiEvent => ({
      _tag: "Suggestion",
      at: 1,
      event: "x",
      suggestion: suggestion("s", state)
    })
    for (const state of ["pending", "approved", "applying", "applied"] as const) {
      assert.strictEqual(told(Live.nothing, event(state)).open.size, 1, state)
    }
    for (const state of [
      "confirmed",
      "relapsed",
      "rolled_back",
      "rejected",
      "expired",
      "failed",
      "superseded"
    ] as const) {
      assert.strictEqual(told(Live.nothing, event("pending"), event(state)).open.size, 0, state)
    }
  })

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

  it("lists a thousand of each at most, and whatever runs", () => {
    const many = Array.from({ length: 1005 }, (_, index) => requestEvent(`job ${index}`, "pending"))
    const live = told(Live.nothing, ...many)
    assert.strictEqual(live.requests.size, 1000)
    const running = told(live, requestEvent("job 1004", "running"))
    assert.strictEqual(running.requests.get("job 1004")?.state, "running")
    assert.strictEqual(
      told(live, requestEvent("job 0", "completed"), requestEvent("other", "pending")).requests.size,
      1000
    )
  })

  it("keeps 2,000 segments, the oldest of which go first", () => {
    const live = told(Live.nothing, ...Array.from({ length: 2005 }, (_, id) => segmentEvent(segment(id, 9))))
    assert.strictEqual(live.segments.size, 2000)
    assert.isFalse(live.segments.has(4))
    assert.isTrue(live.segments.has(5))
  })
})

const requestEvent = (id: string, state: RequestBrief["state"]): ApiEvent => ({
  _tag: "Request",
  at: 1,
  event: "x",
  request: request(id, state),
  reason: null
})
