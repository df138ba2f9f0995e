/**
 * How the fields of a record stand in the columns of a table.
 *
 * @internal
 */
import * as Either from "effect/Either"
import { flow, identity } from "effect/Function"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import * as Str from "effect/String"

/** @internal */
export type Cell = string | number | null

/**
 * What is written, and what is read.
 *
 * @internal
 */
export interface Column<A> {
  readonly encode: (value: A) => Cell
  readonly decode: (cell: unknown) => Either.Either<A, unknown>
}

/** @internal */
export const asIs = <A extends Cell>(schema: Schema.Schema<A>): Column<A> => ({
  encode: identity,
  decode: Schema.decodeUnknownEither(schema)
})

/**
 * A boolean, as 0 or 1.
 *
 * @internal
 */
export const flag: Column<boolean> = {
  encode: (value) => (value ? 1 : 0),
  decode: flow(
    Schema.decodeUnknownEither(Schema.Int),
    Either.map((n) => n !== 0)
  )
}

/**
 * What is not the same in JSON as in memory says how it is encoded.
 *
 * @internal
 */
export const json = <A, I>(schema: Schema.Schema<A, I>, encode: (value: A) => unknown = identity): Column<A> => ({
  encode: (value) => JSON.stringify(encode(value)),
  decode: Schema.decodeUnknownEither(Schema.parseJson(schema))
})

/** @internal */
export const nullOr = <A>({ decode, encode }: Column<A>): Column<A | null> => ({
  encode: (value) => (value === null ? null : encode(value)),
  decode: (cell) => (cell === null ? Either.right(null) : decode(cell))
})

/**
 * An empty list is `null`, which an index leaves out.
 *
 * @internal
 */
export const nullIfEmpty = <A>({ decode, encode }: Column<ReadonlyArray<A>>): Column<ReadonlyArray<A>> => ({
  encode: (value) => (value.length === 0 ? null : encode(value)),
  decode: (cell) => (cell === null ? Either.right([]) : decode(cell))
})

/**
 * - `columns`: their names, in the order of the cells.
 * - `toRow`: the cells of a record.
 * - `fromRow`: the record that stands in a row, or why it cannot be read: the names of the columns only, since what stands in them may be
 *   anybody's secret.
 *
 * @internal
 */
export interface Table<A> {
  readonly columns: ReadonlyArray<string>
  readonly toRow: (record: A) => Array<Cell>
  readonly fromRow: (row: Readonly<Record<string, unknown>>) => Either.Either<A, string>
}

/**
 * - `fields`: the columns, by the fields of a record, from which they have their names.
 * - `derived`: columns that only the indexes need.
 *
 * @internal
 */
export const table = <A extends object>(
  fields: { readonly [K in keyof A]: Column<A[K]> },
  derived: Readonly<Record<string, (record: A) => Cell>> = {}
): Table<A> => {
  // Each field and its column. The names are made once, since rows are many.
  const named = Record.keys(fields).map((field) => ({ field, column: Str.camelToSnake(field) }))

  const cellOf = <K extends keyof A>(field: K): ((record: A) => Cell) => {
    const { encode } = fields[field]
    return (record) => encode(record[field])
  }

  // The keys of `fields` are those of the record.
  const cells = [...named.map(({ field }) => cellOf(field as keyof A)), ...Object.values(derived)]

  return {
    columns: [...named.map(({ column }) => column), ...Object.keys(derived)],
    toRow: (record) => cells.map((cell) => cell(record)),
    fromRow: (row) => {
      const record: Record<string, unknown> = {}
      const wrong: Array<string> = []
      for (const { column, field } of named) {
        const decoded: Either.Either<unknown, unknown> = fields[field as keyof A].decode(row[column])
        if (Either.isRight(decoded)) record[field] = decoded.right
        else wrong.push(column)
      }
      // Each field has been decoded by its column.
      return wrong.length > 0
        ? Either.left(`its row cannot be read: ${wrong.join(", ")}`)
        : Either.right(record as unknown as A)
    }
  }
}
