import { assert, describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import type { RunEvent } from "effect-healing"
import type { ApiSegment } from "effect-healing/http"
import * as Timeline from "../../src/http/Timeline.js"
import { parameters, runsOf } from "../support/property.js"

const JOBS = ["a", "b"]

interface Run {
  readonly job: string
  readonly runId: string
  readonly from: number
  readonly to: number | null
  readonly outcome: "succeeded" | "failed" | "stopped"
}

/** Runs of each job, one after the other; the last one may go on. */
const someRuns: fc.Arbitrary<ReadonlyArray<Run>> = fc
  .tuple(
    ...JOBS.map((job) =>
      fc
        .tuple(
          fc.array(
            fc.record({
              pause: fc.integer({ min: 1, max: 9 }),
              takes: fc.integer({ min: 1, max: 9 }),
              outcome: fc.constantFrom("succeeded" as const, "failed" as const, "stopped" as const)
            }),
            { maxLength: 4 }
          ),
          fc.boolean()
        )
        .map(([steps, goesOn]) => {
          let at = 0
          return steps.map(({ outcome, pause, takes }, index): Run => {
            const from = at + pause
            at = from + takes
            const isLast = index === steps.length - 1
            return { job, runId: `${index}`, from, to: isLast && goesOn ? null : at, outcome }
          })
        })
    )
  )
  .map((all) => all.flat())

/** What is told of them: each start and end, and after each the set of jobs that run. */
const tellings = (runs: ReadonlyArray<Run>) => {
  const times = Array.from(new Set(runs.flatMap(({ from, to }) => (to === null ? [from] : [from, to])))).sort(
    (one, other) => one - other
  )
  const events = times.flatMap(
    (at): ReadonlyArray<RunEvent> => [
      ...runs
        .filter(({ to }) => to === at)
        .map(({ from, job, outcome, runId }) => ({ _tag: "Ended" as const, job, runId, startedAt: from, at, outcome })),
      ...runs
        .filter(({ from }) => from === at)
        .map(({ job, runId }) => ({ _tag: "Started" as const, job, runId, at, alwaysUp: false }))
    ]
  )
  const sets = times.map(
    (at) => new Set(runs.filter(({ from, to }) => from <= at && (to === null || to > at)).map(({ job }) => job))
  )
  return { events, sets, end: (times.at(-1) ?? 0) + 1 }
}

const sorted = (segments: ReadonlyArray<Omit<ApiSegment, "id">>) =>
  segments.map(({ from, name, outcome, to }) => `${name} ${from} ${to} ${outcome}`).sort()

describe("the timeline", () => {
  it("has each run once in the end, in whichever order its two sources tell of it", () => {
    fc.assert(
      fc.property(
        someRuns,
        fc.array(fc.constantFrom("event", "set", "conflated"), { maxLength: 60 }),
        (runs, order) => {
          const timeline = Timeline.make()
          const { end, events, sets } = tellings(runs)
          const seen = new Map<number, ApiSegment>()
          const keep = (changed: ReadonlyArray<ApiSegment>) => {
            for (const one of changed) seen.set(one.id, one)
          }
          const nextEvent = () => {
            const event = events.shift()
            if (event !== undefined) keep(timeline.ran(event, end))
          }
          const nextSet = () => {
            const names = sets.shift()
            if (names !== undefined) keep(timeline.now("run", names, end))
          }
          for (const step of order) {
            if (step === "event") nextEvent()
            else if (step === "set") nextSet()
            // Of several changes only the last one is seen.
            else if (sets.length > 1) sets.shift()
          }
          while (sets.length > 0) nextSet()
          while (events.length > 0) nextEvent()
          const expected = runs.map(({ from, job: name, outcome, to }) => ({
            kind: "run" as const,
            name,
            from,
            to,
            outcome: to === null ? null : outcome
          }))
          assert.deepStrictEqual(sorted(timeline.all(end)), sorted(expected))
          // Who has heard of each change knows the same.
          assert.deepStrictEqual(
            Array.from(seen.values()),
            Array.from(timeline.all(end)).toSorted((one, other) => one.id - other.id)
          )
        }
      ),
      parameters(runsOf({ few: 300, many: 20_000 }), "test/http/Timeline.test.ts", "in whichever order")
    )
  })

  it("shows of everything else exactly what is there now, once", () => {
    const some = fc.uniqueArray(fc.constantFrom("a", "b", "c"))
    const kinds = ["review", "waiting", "unknown"] as const
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...kinds), some), { maxLength: 30 }), (steps) => {
        const timeline = Timeline.make()
        const now = new Map<string, ReadonlyArray<string>>()
        for (const [at, [kind, names]] of steps.entries()) {
          timeline.now(kind, new Set(names), at)
          now.set(kind, names)
          const open = timeline.all(at).filter(({ to }) => to === null)
          for (const kind of kinds) {
            const found = open.filter((segment) => segment.kind === kind).map(({ name }) => name)
            assert.sameMembers(found, [...(now.get(kind) ?? [])])
          }
        }
      }),
      parameters(runsOf({ few: 200, many: 10_000 }), "test/http/Timeline.test.ts", "exactly what is there now")
    )
  })

  it("forgets what has ended hours ago, and never what goes on as long as there is room", () => {
    const timeline = Timeline.make()
    timeline.now("waiting", new Set(["long"]), 0)
    for (let i = 0; i < 2 * Timeline.MAX_SEGMENTS; i++) {
      timeline.now("review", new Set([`${i}`]), i)
      assert.isAtMost(timeline.all(i).length, Timeline.MAX_SEGMENTS)
    }
    const last = 2 * Timeline.MAX_SEGMENTS - 1
    const kept = timeline.all(last)
    assert.deepStrictEqual(kept[0]?.name, "long")
    assert.strictEqual(kept.at(-1)?.name, `${last}`)
    assert.deepStrictEqual(
      timeline.all(last + Timeline.KEPT + 1).map(({ name }) => name),
      ["long", `${last}`]
    )
  })
})
