import { assert, describe, it } from "@effect/vitest"
import * as RateLimit from "../../src/openclaw/RateLimit.js"

const NOW = 1000

const aSecret = "sk-proj-abcdefghijklmnopqrstuvwxyz012345"

const retry = (delay: number) =>
  `[agent/embedded] transient same-model retry 1/9 for mock/mock-1 reason=rate_limit: delayMs=${delay}`

describe("a rate limit in the diagnostics", () => {
  const cases: Readonly<Record<string, readonly [stderr: string, until: number | undefined | null]>> = {
    "is none of other lines": ["[agent/embedded] retry reason=overloaded: delayMs=5000\nrate_limit\n", null],
    "names an instant": [`${retry(3_600_000)}\n`, NOW + 3_600_000],
    "names one from a minute on": [`${retry(60_000)}\n`, NOW + 60_000],
    "names none below that, which is OpenClaw's own pause": [`${retry(59_999)}\n`, undefined],
    "is no line that only looks like it": ["[tools] reason=rate_limit: delayMs=86400000 failed: no such tool\n", null],
    "is no longer than a day": [`${retry(10 ** 12)}\n`, NOW + 86_400_000],
    "is bounded, whatever stands there": [`${retry(1)}${"9".repeat(400)}\n`, NOW + 86_400_000],
    "stands between other lines": [`first\n${retry(90_000)}\nlast\n`, NOW + 90_000],
    "is not read before its line is complete": [retry(36), null]
  }
  for (const [name, [stderr, until]] of Object.entries(cases)) {
    it(name, () => {
      const error = RateLimit.inDiagnostics(stderr, NOW, false)
      assert.strictEqual(until === null, error === undefined)
      assert.strictEqual(error?.until, until ?? undefined)
    })
  }

  it("is left to OpenClaw as long as it may fall back to another model", () => {
    assert.isUndefined(RateLimit.inDiagnostics(`${retry(59_999)}\n`, NOW, true))
    assert.strictEqual(RateLimit.inDiagnostics(`${retry(60_000)}\n`, NOW, true)?.until, NOW + 60_000)
  })

  it("is told with its line", () => {
    const error = RateLimit.inDiagnostics(`one\n${retry(90_000)} of ${aSecret}\nother\n`, NOW, false)
    assert.strictEqual(error?.detail, "transient same-model retry 1/9 for mock/mock-1 reason=rate_limit: delayMs=90000")
  })
})

describe("a rate limit in a message", () => {
  const cases: Readonly<Record<string, readonly [message: string, until: number | undefined | null]>> = {
    "is none of other failures": ["LLM request failed: connection refused (port 14290)", null],
    "with the time": ["⚠️ Rate limit reached for mock-1; Retry-After: 120 seconds", NOW + 120_000],
    "with too short a time": ["⚠️ Rate limit reached for mock-1; Retry-After: 1 seconds", undefined],
    "without a time": ["Rate limit reached", undefined],
    "is none of a full disk": ["EDQUOT: disk quota exceeded", null],
    "in other words": ["You exceeded your current quota", undefined],
    "as a code": ["HTTP 429", undefined],
    "as its name": ["429 Too Many Requests; retry after 90", NOW + 90_000],
    "behind much else": [`${"All models have failed. ".repeat(50)} rate_limit; Retry-After: 90 s`, NOW + 90_000]
  }
  for (const [name, [message, until]] of Object.entries(cases)) {
    it(name, () => {
      const error = RateLimit.inMessage(message, NOW)
      assert.strictEqual(until === null, error === undefined)
      assert.strictEqual(error?.until, until ?? undefined)
    })
  }

  it("is told without a secret, and with a bounded length", () => {
    const detail = RateLimit.inMessage(`HTTP 429 for ${aSecret}: ${"x ".repeat(1000)}`, NOW)?.detail ?? ""
    assert.match(detail, /^HTTP 429 for \[secret\]: x /)
    assert.lengthOf(detail, 500)
  })
})
