/**
 * Inputs in the form of public bug reports, with what is right for each. A case stands for its kind: the tests of the modules try others.
 */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Option, Schema } from "effect"
import * as Answer from "../src/openclaw/Answer.js"
import * as Envelope from "../src/openclaw/Envelope.js"
import * as RateLimit from "../src/openclaw/RateLimit.js"
import { signatureOfLog } from "./support/failureSignature.js"

const casesOf = <A, I>(file: string, schema: Schema.Schema<A, I>): ReadonlyArray<A> =>
  readFileSync(new URL(`field/${file}.jsonl`, import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => Schema.decodeUnknownSync(Schema.parseJson(schema))(line))

const Case = Schema.Struct({ id: Schema.String, class: Schema.String, note: Schema.String })

describe("signatures", () => {
  const Signatures = Schema.Struct({
    ...Case.fields,
    a: Schema.String,
    b: Schema.String,
    expect: Schema.Literal("same", "different"),
    orUnknown: Schema.optional(Schema.Boolean)
  })
  it.effect.each(casesOf("signatures", Signatures))("$id: $note", ({ a, b, expect, orUnknown }) =>
    Effect.gen(function* () {
      const [one, other] = [yield* signatureOfLog(a), yield* signatureOfLog(b)]
      if (orUnknown === true && one === null && other === null) return
      assert.isNotNull(one)
      assert.isNotNull(other)
      if (expect === "same") assert.strictEqual(one, other)
      else assert.notStrictEqual(one, other)
    })
  )
})

describe("limits of rates", () => {
  const Limits = Schema.Struct({
    ...Case.fields,
    text: Schema.String,
    now: Schema.Date,
    expect: Schema.Struct({ limited: Schema.Boolean, untilMs: Schema.optional(Schema.Number) })
  })
  it.each(casesOf("rateLimits", Limits))("$id: $note", ({ expect, now, text }) => {
    const found = RateLimit.inMessage(text, now.getTime())
    assert.strictEqual(found !== undefined, expect.limited)
    const until = expect.untilMs === undefined ? undefined : now.getTime() + expect.untilMs
    assert.strictEqual(found?.until, until)
  })
})

const Answers = Schema.Struct({
  ...Case.fields,
  kind: Schema.Literal("answer", "envelope"),
  text: Schema.String,
  expect: Schema.Struct({
    summary: Schema.optional(Schema.String),
    answered: Schema.optional(Schema.String),
    failed: Schema.optional(Schema.String)
  })
})

describe("answers", () => {
  it.each(casesOf("answers", Answers).filter(({ kind }) => kind === "answer"))("$id: $note", ({ expect, text }) => {
    assert.strictEqual(Either.getOrThrow(Answer.read(text, new Map())).summary, expect.summary)
  })
})

describe("envelopes", () => {
  it.each(casesOf("answers", Answers).filter(({ kind }) => kind === "envelope"))("$id: $note", ({ expect, text }) => {
    const envelope = Option.getOrThrow(Envelope.read(text))
    assert.strictEqual(envelope._tag, expect.failed === undefined ? "Answered" : "Failed")
    if (envelope._tag === "Answered") assert.strictEqual(envelope.text, expect.answered)
    else assert.include(envelope.message, expect.failed ?? "")
  })
})
