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

  const MINUTE = 60_000
  const now = Date.parse("2026-06-29T14:00:00Z")

  /** What providers say, and how much later they may be asked again; `undefined` if they do not say it. */
  const limits: ReadonlyArray<readonly [message: string, after: number | undefined]> = [
    ["⚠️ API rate limit reached. Please try again later.", undefined],
    ["⚠️ The model request was rate-limited. Please try again in a few minutes.", undefined],
    ["⚠️ Rate-limited — ready in ~5 min. Please try again shortly.", 5 * MINUTE],
    ["⚠️ Rate-limited — ready in ~45s. Please wait a moment.", undefined],
    [
      "⚠️ openai (gpt-5) returned a billing error — your API key has run out of credits or has an insufficient balance.",
      undefined
    ],
    [
      "⚠️ The model provider returned HTTP 429 before replying. This can mean rate limiting, exhausted quota, or an account balance/billing issue.",
      undefined
    ],
    ["You've hit your usage limit. Upgrade to Pro or try again in 3 days 5 hours 12 minutes.", 1440 * MINUTE],
    ["You've hit your usage limit. To get more access now, try again at 3:05 PM.", 65 * MINUTE],
    ["Claude AI usage limit reached|1782745200", 60 * MINUTE],
    ["Claude usage limit reached. Your limit will reset at 12pm (America/New_York).", 120 * MINUTE],
    ["5-hour limit reached ∙ resets 4pm", 120 * MINUTE],
    ["Weekly limit reached · resets Jun 29 at 5:30pm (UTC)", 210 * MINUTE],
    ["Daily limit reached, resets at 13:00", 1380 * MINUTE],
    ["Error code: 429 - {'error': {'message': 'Rate limit reached. Please try again in 1m26.4s.'}}", 86_400],
    ["Rate limit reached for gpt-4o. Please try again in 20s. Visit https://platform.openai.com", undefined],
    ["Rate limit reached. Please try again in 350ms.", undefined],
    ["429 You exceeded your current quota, please check your plan and billing details.", undefined],
    ["You exceeded your current quota. Please retry in 126.383s.", 126_383],
    ['429 {"error":{"status":"RESOURCE_EXHAUSTED","details":[{"@type":"RetryInfo","retryDelay":"126s"}]}}', 126_000],
    [
      '429 {"type":"error","error":{"type":"rate_limit_error"},"headers":{"retry-after":"75","x-ratelimit-reset":"1782900000"}}',
      75_000
    ],
    ['{"error":{"type":"usage_limit_reached","plan_type":"plus","resets_at":1782745200}}', 60 * MINUTE],
    ['{"error":{"type":"usage_limit_reached","resets_in_seconds":7200}}', 120 * MINUTE],
    ['{"code":429,"reset_at":"2026-06-29T15:30:00+01:00"}', 30 * MINUTE],
    ['{"status":429,"retryAfterMs":120000}', 2 * MINUTE],
    ['{"status": 429, "retry_after": 120.5}', 120_500],
    ["HTTP/1.1 429 Too Many Requests\nRetry-After: Mon, 29 Jun 2026 14:30:00 GMT", 30 * MINUTE],
    ["429 Too Many Requests anthropic-ratelimit-requests-reset: 2026-06-29T14:10:00Z", 10 * MINUTE],
    ["rate limited: x-ratelimit-reset-requests: 6m0s", 6 * MINUTE],
    ["ThrottlingException: Too many tokens, please wait before trying again.", undefined],
    ["TooManyRequestsException: wait 2 minutes", 2 * MINUTE],
    ["Request throttled. Expected available in 3600 seconds.", 60 * MINUTE],
    ["quota exceeded; available again in 1 hour and 30 minutes", 90 * MINUTE],
    ["rate limit exceeded, try again in an hour", 60 * MINUTE],
    ["rate limit exceeded, retry in 01:30:00", 90 * MINUTE],
    ["rate limit exceeded, retry after 1,200 seconds", 20 * MINUTE],
    ["rate limit exceeded until 2026-06-29 13:00, it said; retry later", undefined],
    ["429 limit will reset at 2026-06-29 22:39:49 (UTC+8)", 39 * MINUTE + 49_000],
    ["429 resets at 2026-06-29 22:40:00 (Asia/Shanghai)", 40 * MINUTE],
    ["Usage limit reached. Resets 10:39pm (GMT+8)", 39 * MINUTE],
    ["HTTP 429: slow down", undefined],
    ["HTTP 429: retry in 5m", 5 * MINUTE],
    ["429 retry after 2 hours", 120 * MINUTE],
    ["429 model is busy, please slow down", undefined],
    ["server responded with a status of 429", undefined],
    ["request reached organization max RPM: 3, please try again after 120 seconds", 2 * MINUTE],
    ["You're out of extra usage · resets 8am (America/Los_Angeles)", 60 * MINUTE],
    ['429 {"quotaResetDelay":"4h0m0s"}', 240 * MINUTE],
    ["Usage limit reached. You will regain access on 2026-06-29 at 16:00 UTC.", 120 * MINUTE],
    ["Limit reached for this plan: usage limit. Resets today at 16:30", 150 * MINUTE],
    ["Usage limit reached, resets tomorrow at 9am (UTC)", 1140 * MINUTE],
    ["429 Headers { 'retry-after' => '120' }", 2 * MINUTE],
    ["402 Payment Required", undefined],
    ["HTTP 402: Insufficient Balance", undefined],
    ["Your credit balance is too low to access the Anthropic API.", undefined],
    ["Monthly spending limit reached", undefined],
    ["FreeUsageLimitError: wait until tomorrow", undefined],
    ["Request failed with status code 429", undefined],
    ["429 status code (no body)", undefined],
    ["concurrency limit of 4 was breached", undefined],
    ["请求过于频繁，请稍后再试", undefined],
    ["model_cooldown: all credentials are cooling down", undefined]
  ]
  for (const [message, after] of limits) {
    it(`is seen in: ${message}`, () => {
      const error = RateLimit.inMessage(message, now)
      assert.isDefined(error)
      assert.strictEqual(error.until, after === undefined ? undefined : now + after)
    })
  }

  const others = [
    "TypeError: x is undefined\n    at run (/app/x.js:429:13)",
    "connect ECONNREFUSED 127.0.0.1:429",
    "listening on port 429 failed",
    "line 429 of the file is no JSON",
    "429 tests failed",
    "read 429 of 1000 rows",
    "took 429 ms",
    "job 429 exited with exit code 402",
    "error: unknown option '--rate-limit'",
    "Error: Cannot find module 'express-rate-limit'",
    "ReferenceError: rateLimit is not defined",
    "Cannot read properties of undefined (reading 'rateLimit')",
    "config: rate_limit must be a number",
    "at limiter (/app/node_modules/rate-limiter/index.js:3:4)",
    "401 Unauthorized x-ratelimit-limit-requests: 1000 x-ratelimit-remaining-requests: 999 x-ratelimit-reset-requests: 1m0s",
    "Error: socket hang up\n    at RateLimiter.acquire (/app/rate-limiter.js:12:9)",
    "rateLimit.check is not a function",
    "max_tokens limit reached: output truncated",
    "The rate limit option is unknown",
    "rate limits: ok, 90% remaining. Error: 401",
    "The AI service is temporarily overloaded. Please try again in a moment.",
    "LLM request timed out.",
    "Context overflow: prompt too large for the model.",
    "write ENOSPC: no space left, storage quota exceeded"
  ]
  for (const message of others) {
    it(`is none in: ${message}`, () => assert.isUndefined(RateLimit.inMessage(message, now)))
  }

  it("is told without a secret, and with a bounded length", () => {
    const detail = RateLimit.inMessage(`HTTP 429 for ${aSecret}: ${"x ".repeat(1000)}`, NOW)?.detail ?? ""
    assert.match(detail, /^HTTP 429 for \[secret\]: x /)
    assert.lengthOf(detail, 500)
  })
})
