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
    "may name none": ["[x] failover decision: reason=rate_limit attempt=1\n", undefined],
    "stands between other lines": [`first\n${retry(90_000)}\nlast\n`, NOW + 90_000],
    "is not read before its line is complete": [retry(36), null]
  }
  for (const [name, [stderr, until]] of Object.entries(cases)) {
    it(name, () => {
      const error = RateLimit.inDiagnostics(stderr, NOW)
      assert.strictEqual(until === null, error === undefined)
      assert.strictEqual(error?.until, until ?? undefined)
    })
  }

  it("is told with its line, without a secret of it", () => {
    const error = RateLimit.inDiagnostics(`one\nx reason=rate_limit rawError=429 for ${aSecret}\nother\n`, NOW)
    assert.strictEqual(error?.detail, "reason=rate_limit rawError=429 for [secret]")
    assert.lengthOf(RateLimit.inDiagnostics(`reason=rate_limit ${"x ".repeat(1000)}\n`, NOW)?.detail ?? "", 500)
  })
})

describe("a rate limit in a message", () => {
  const cases: Readonly<Record<string, readonly [message: string, until: number | undefined | null]>> = {
    "is none of other failures": ["LLM request failed: connection refused (port 14290)", null],
    "with the time": ["⚠️ Rate limit reached for mock-1; Retry-After: 120 seconds", NOW + 120_000],
    "with too short a time": ["⚠️ Rate limit reached for mock-1; Retry-After: 1 seconds", undefined],
    "without a time": ["Rate limit reached", undefined],
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
