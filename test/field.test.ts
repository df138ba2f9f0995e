/**
 * Inputs in the form of public bug reports, with what is right for each. A case stands for its kind: the tests of the modules try others.
 */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
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
