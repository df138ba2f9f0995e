import { assert, describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import { cutOffIn } from "../../src/procclaw/AuditLog.js"
import { ByItsWord, type Sight } from "../../src/procclaw/ByItsWord.js"
import type { Job, ListedRun } from "../../src/procclaw/Payload.js"
import { parameters, runsOf } from "../support/property.js"

const WALL = 1_700_000_000_000

const job = (id: string, isRunning: boolean): Job => ({
  id,
  type: "openclaw",
  isRunning,
  command: "",
  hasSla: false,
  selfHealing: {}
})

/** - `exitCode`: none for one that runs. */
const runOf = (id: string, exitCode?: number | null, endedAt = 0): ListedRun => ({
  key: id,
  job: "a",
  run: {
    id,
    outcome: exitCode === undefined ? "running" : exitCode === 0 ? "succeeded" : "stopped",
    startedAt: 0,
    endedAt: exitCode === undefined ? null : endedAt,
    exitCode: exitCode ?? null
  },
  error: undefined,
  wasCutOff: exitCode === null || (exitCode ?? 0) < 0
})

const nothing = { jobs: [job("a", false)], runs: [], heartbeats: [], cutOff: [] }

const look = (word: ByItsWord, at: number, sight: Partial<Sight> = {}) =>
  Array.from(word.look({ ...nothing, at, wall: WALL + at, ...sight })).join()

describe("by ProcClaw's word", () => {
  it("a job runs as long as one of the signs says so", () => {
    const word = new ByItsWord()
    assert.strictEqual(look(word, 0), "")
    assert.strictEqual(look(word, 1, { jobs: [job("a", true)] }), "a")
    assert.strictEqual(look(word, 2, { runs: [runOf("1")] }), "a")
    assert.strictEqual(look(word, 3, { heartbeats: ["a"] }), "a")
    assert.strictEqual(look(word, 4), "")
  })

  it("one that was cut off runs for seven seconds more, however that is known", () => {
    const signs: ReadonlyArray<readonly [string, (word: ByItsWord) => void]> = [
      ["the audit log", (word) => look(word, 1000, { cutOff: ["a"] })],
      [
        "a run that has ended with -15",
        (word) => {
          look(word, 999, { runs: [runOf("1")] })
          look(word, 1000, { runs: [runOf("1", -15)] })
        }
      ],
      [
        "a run that was stopped by force",
        (word) => {
          look(word, 999, { runs: [runOf("1")] })
          look(word, 1000, { runs: [runOf("1", null)] })
        }
      ],
      [
        "the removal of a job that runs",
        (word) => {
          look(word, 999, { jobs: [job("a", true)] })
          look(word, 1000, { jobs: [] })
        }
      ],
      [
        "the end of a run a moment before the first look",
        (word) => look(word, 1000, { runs: [runOf("1", -15, WALL + 900)] })
      ]
    ]
    for (const [what, sign] of signs) {
      const word = new ByItsWord()
      sign(word)
      assert.strictEqual(word.next, 8000, what)
      assert.strictEqual(look(word, 7999, { jobs: [] }), "a", what)
      assert.strictEqual(look(word, 8000, { jobs: [] }), "", what)
      assert.strictEqual(word.next, Number.POSITIVE_INFINITY, what)
    }
  })

  it("one that has ended by itself does not, and neither does one that was cut off long ago", () => {
    const word = new ByItsWord()
    look(word, 0, { runs: [runOf("1")] })
    assert.strictEqual(look(word, 1, { runs: [runOf("1", 0)] }), "")
    assert.strictEqual(look(new ByItsWord(), 0, { runs: [runOf("1", -15, WALL - 8000)] }), "")
  })

  it("is told of what it alone says, and only for as long as it does", () => {
    const word = new ByItsWord()
    const says = { jobs: [job("a", true)] }
    look(word, 0, says)
    look(word, 500, { ...says, runs: [runOf("1")] })
    look(word, 600, says)
    look(word, 1500, says)
    assert.deepStrictEqual(word.unsupportedFor(1000, 1500), [])
    assert.deepStrictEqual(word.unsupportedFor(1000, 1600), ["a"])
    look(word, 1700)
    assert.deepStrictEqual(word.unsupportedFor(0, 1700), [])
  })

  const name = "is never idle within seven seconds of a sign, and is idle after them"
  it(name, () => {
    const sign = fc.constantFrom<Partial<Sight>>(
      {},
      {},
      { cutOff: ["a"] },
      { heartbeats: ["a"] },
      { jobs: [job("a", true)] },
      { runs: [runOf("1")] }
    )
    const steps = fc.array(fc.record({ after: fc.integer({ min: 1, max: 5000 }), sign }), { maxLength: 20 })
    fc.assert(
      fc.property(steps, (steps) => {
        const word = new ByItsWord()
        let at = 0
        let cutOff = Number.NEGATIVE_INFINITY
        let isListed = true
        for (const { after, sign } of steps) {
          at += after
          if (sign.cutOff !== undefined) cutOff = at
          isListed = sign.cutOff === undefined && Object.keys(sign).length > 0
          assert.strictEqual(look(word, at, sign), isListed || at - cutOff < 7000 ? "a" : "")
        }
        assert.strictEqual(look(word, at + 7000), "")
      }),
      parameters(runsOf({ few: 200, many: 5000 }), "test/procclaw/ByItsWord.test.ts", name)
    )
  })

  it("the audit log tells of those that were cut off, as it was recorded", () => {
    const lines = [
      "[2026-11-25T21:20:10.824722] oc-a: started - PID: 8882, trigger: api",
      "[2026-11-25T21:20:25.224312] oc-a: failed - exit_code: -15, duration: 14.3s",
      "[2026-11-25T21:19:39.465854] oc-b: failed - exit_code: 3, duration: 4.1s",
      "[2026-11-25T21:19:59.725793] oc-b: max_retries - Job disabled",
      "[2026-11-25T21:20:05.239017] plain: completed - exit_code: 0, duration: 3.2s",
      "[2026-11-25T21:23:45.000000] oc-c: stopped - exit_code: None, duration: 2.0s",
      "no line of it"
    ]
    assert.deepStrictEqual(cutOffIn(lines.join("\n")), ["oc-a", "oc-c"])
  })
})
