import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as Envelope from "../../src/openclaw/Envelope.js"

const usage = { input: 111, output: 7, cacheRead: 1, cacheWrite: 2, total: 121, cost: { total: 0.5 } }

const tokens = { input: 111, output: 7, cacheRead: 1, cacheWrite: 2, total: 121 }

const bill = { usage, costUsd: 0.5, model: "mock-1", provider: "mock" }

const spent = { model: "mock/mock-1", tokens, costUsd: 0.5 }

const exec = (fields: object = {}) => ({
  ok: true,
  status: "ok",
  final: "Hello",
  payloads: [{ text: "Hello", mediaUrl: null }],
  ...bill,
  sessionId: "s",
  ...fields
})

const local = (fields: object = {}, meta: object = {}) => ({
  payloads: [{ text: "Hello", mediaUrl: null }],
  meta: { durationMs: 1, agentMeta: { sessionId: "s", ...bill }, ...meta },
  ...fields
})

const read = (stdout: unknown) =>
  Option.getOrNull(Envelope.read(typeof stdout === "string" ? stdout : JSON.stringify(stdout, null, 2)))

const answered = (text: string, fields: object = spent) => ({ _tag: "Answered", text, spent: fields })

const failed = (message: string, timedOut = false) => ({ _tag: "Failed", message, timedOut })

const isError = { payloads: [{ text: "Request timed out", isError: true, mediaUrl: null }] }

describe("an envelope", () => {
  const cases: Readonly<Record<string, readonly [stdout: unknown, envelope: object | null]>> = {
    "of agent exec": [exec(), answered("Hello")],
    "of agent --local": [local(), answered("Hello")],
    "without a final text has those of its payloads": [
      exec({ final: "", payloads: [{ text: "one" }, { text: null }, { text: "two" }] }),
      answered("one\n\ntwo")
    ],
    "that failed": [
      exec({ ok: false, status: "error", final: "", payloads: [], error: { message: "No.", kind: "exception" } }),
      failed("No.")
    ],
    "that failed is no answer, whatever else it holds": [
      exec({ ok: false, status: "error", error: { message: "No.", kind: "exception" } }),
      failed("No.")
    ],
    "that failed without a word": [exec({ ok: false, status: "error", ...isError }), failed("Request timed out")],
    "that timed out": [
      exec({ ok: false, status: "timeout", ...isError, error: { message: "Late.", kind: "timeout" } }),
      failed("Late.", true)
    ],
    "of a local turn that failed": [local(isError), failed("Request timed out")],
    "of a local turn that failed with an error alone": [
      local({ payloads: [] }, { error: { kind: "incomplete_turn" } }),
      failed("incomplete_turn")
    ],
    "of a local turn that timed out": [
      local(isError, { error: { kind: "incomplete_turn" }, timeoutPhase: "provider" }),
      failed("Request timed out", true)
    ],
    "of a command that took no turn": [
      { ok: false, error: { type: "cli_error", message: "Locked." } },
      failed("Locked.")
    ],
    "between what else was printed": [
      `[plugins] loaded\n{not json}\n${JSON.stringify(exec(), null, 2)}\n[plugins] stopped\n`,
      answered("Hello")
    ],
    "before a log in JSON": [
      `${JSON.stringify(exec(), null, 2)}\n${'{"level":"error","error":{"message":"no"},"ok":false}\n'.repeat(3)}`,
      answered("Hello")
    ],
    "behind a log in JSON": [
      `${'{"level":"info","msg":"x"}\n'.repeat(300)}${JSON.stringify(exec())}`,
      answered("Hello")
    ],
    "behind braces that do not close": [`[lcm] { "a\n${JSON.stringify(exec(), null, 2)}`, answered("Hello")],
    "behind a prefix on the same line": [`[out] ${JSON.stringify(exec())}`, answered("Hello")],
    "behind a mark of byte order, in colours": [
      `\ufeff\u001b[32m${JSON.stringify(exec())}\u001b[0m\n`,
      answered("Hello")
    ],
    "of a Gateway": [{ runId: "r", status: "ok", summary: "completed", result: local() }, answered("Hello")],
    "of a failure without payloads": [
      { meta: { durationMs: 5, error: { kind: "incomplete_turn", message: "No end." } } },
      failed("No end.")
    ],
    "of a local turn with an error of which nothing is said": [local({}, { error: {} }), failed("Hello")],
    "of a failure whose error is a number": [{ ok: false, error: 429 }, failed("429")],
    "of a failure whose error is a text": [{ ok: false, error: "No." }, failed("No.")],
    "of a failure whose error has a code alone": [{ ok: false, error: { code: 429 } }, failed("429")],
    "of a failure without a result": [{ runId: "r", status: "error", summary: "HTTP 429" }, failed("HTTP 429")],
    "of a failure with a message": [{ status: "failed", message: "No." }, failed("No.")],
    "of a failure with nothing else": [{ ok: false }, failed("it does not say why")],
    "of one that has taken too long": [{ status: "timeout" }, failed("timeout", true)],
    "that is cut": [JSON.stringify(exec(), null, 2).slice(0, 100), null],
    "of a status that nobody knows": [exec({ status: "in_flight" }), null],
    "that is a report by itself": [{ summary: "x", suggestions: [] }, null],
    "that is not there": ["", null],
    "that is prose": ["Hello", null]
  }
  for (const [name, [stdout, envelope]] of Object.entries(cases)) {
    it(name, () => assert.deepStrictEqual<object | null>(read(stdout), envelope))
  }
})

describe("what was spent", () => {
  const cases: Readonly<Record<string, readonly [fields: object, spent: object]>> = {
    "is not always told": [{ usage: undefined, costUsd: undefined, model: null, provider: null }, {}],
    "without a provider": [{ provider: null }, { ...spent, model: "mock-1" }],
    "with counts that are not told": [
      { usage: { input: 5 } },
      { ...spent, tokens: { input: 5, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 } }
    ],
    "is not known if it makes no sense": [{ usage: { input: -1 }, costUsd: "much", model: 7 }, { model: "mock" }],
    "has a name of a bounded length": [{ model: "m".repeat(1000) }, { ...spent, model: `mock/${"m".repeat(251)}` }]
  }
  for (const [name, [fields, expected]] of Object.entries(cases)) {
    it(name, () => assert.deepStrictEqual<object | null>(read(exec(fields)), answered("Hello", expected)))
  }

  it("is the sum of both answers", () => {
    assert.deepStrictEqual(Envelope.add(spent, spent), {
      model: "mock/mock-1",
      tokens: { input: 222, output: 14, cacheRead: 2, cacheWrite: 4, total: 242 },
      costUsd: 1
    })
    assert.deepStrictEqual(Envelope.add({}, spent), spent, "as far as it is known")
    assert.deepStrictEqual(Envelope.add(spent, {}), spent)
  })
})
