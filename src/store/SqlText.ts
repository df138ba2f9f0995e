/**
 * Statements as texts. They are given to the connection as they are, which takes a fifth of the time that making them anew for each row
 * would.
 *
 * @internal
 */
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import { type HealingStoreError, unexpectedState } from "../HealingError.js"

/** @internal */
export const textOf = (statement: { readonly compile: () => readonly [sql: string, params: unknown] }): string =>
  statement.compile()[0]

/**
 * A value for each column, in the place of those that come later.
 *
 * @internal
 */
export const placeholders = (columns: ReadonlyArray<string>): Record<string, number> =>
  Record.fromEntries(columns.map((column) => [column, 0]))

/**
 * Fails with the state in which a row was found, of those that a query for its state returns, and the one that was expected.
 *
 * @internal
 */
export const failUnexpected = (
  found: Effect.Effect<ReadonlyArray<unknown>, SqlError>,
  id: string,
  expected: string
): Effect.Effect<never, HealingStoreError | SqlError> =>
  Effect.flatMap(found, ([row]) =>
    Effect.fail(unexpectedState(id, expected, Predicate.hasProperty(row, "state") ? String(row.state) : "not there"))
  )
