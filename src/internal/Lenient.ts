/**
 * Fields of what other programs tell: what is odd in one of them does not hide the others.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const nothing = Effect.as(Effect.void, undefined)

/**
 * What is `null` or absent is left out.
 *
 * @internal
 */
export const maybe = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { nullable: true })

/**
 * What does not fit is left out as well.
 *
 * @internal
 */
export const lenient = <A, I>(schema: Schema.Schema<A, I>) =>
  maybe(Schema.UndefinedOr(schema).annotations({ decodingFallback: () => nothing }))
