import { assert, describe, it } from "@effect/vitest"
import type { JobEvent, RunEvent } from "effect-healing"
import type { CronJob, CronRun } from "../../../src/openclaw/gateway/CronJobs.js"
import * as CronRuns from "../../../src/openclaw/gateway/CronRuns.js"

const failed = (startedAt: number): CronRun => ({
  runId: `a:${startedAt}`,
  startedAt,
  endedAt: startedAt + 1,
  outcome: "failed",
  isSkipped: false,
  error: undefined
})

const cron = (changed: Partial<CronJob>): CronJob => ({
  id: "a",
  job: "inbox",
  schedule: "",
  prompt: "",
  runningAt: undefined,
  last: undefined,
  ...changed
})

const make = () => {
  const runs: Array<RunEvent> = []
  const failures: Array<JobEvent> = []
  const made = CronRuns.make(
    (event) => runs.push(event),
    (event) => failures.push(event)
  )
  return {
    ...made,
    started: (startedAt: number) => made.happened({ _tag: "Started", id: "a", job: "inbox", startedAt }),
    ended: (startedAt: number) => made.happened({ _tag: "Ended", id: "a", job: "inbox", run: failed(startedAt) }),
    words: () => runs.map((run) => `${run.runId} ${run._tag === "Started" ? "started" : run.outcome}`),
    failures: () => failures.map(({ runId }) => runId)
  }
}

describe("the runs of cron jobs", () => {
  it("of which nobody seems to tell any more have failed all the same, if that is told later", () => {
    const { ended, failures, listed, started, words } = make()
    listed([cron({})], true)
    started(1)
    // Over another connection the next one is told of before the list.
    started(2)
    listed([cron({ last: failed(1), runningAt: 2 })], true)
    assert.deepStrictEqual(words(), ["a:1 started", "a:1 stopped", "a:2 started"])
    assert.deepStrictEqual(failures(), ["a:1"])
    ended(2)
    assert.deepStrictEqual(failures(), ["a:1", "a:2"])
  })

  it("that have begun after a list was made are told of with their end", () => {
    const { ended, failures, listed, started } = make()
    listed([cron({})], true)
    started(5)
    // It was made before that.
    listed([cron({})], true)
    ended(5)
    ended(5)
    assert.deepStrictEqual(failures(), ["a:5"])
  })

  it("are no news by the first list, and each is told once", () => {
    const { failures, listed, running, starts, words } = make()
    listed([cron({ last: failed(1), runningAt: 3 })], true)
    assert.deepStrictEqual([running(), starts().length], [["inbox"], 1])
    listed([cron({ last: failed(3) })], false)
    listed([cron({ last: failed(3) })], true)
    listed([cron({ last: failed(3) })], true)
    assert.deepStrictEqual(words(), ["a:3 started", "a:3 failed"])
    assert.deepStrictEqual(failures(), ["a:3"])
  })
})
