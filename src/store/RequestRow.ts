/**
 * A request as a row of the table `healing_requests`.
 *
 * @internal
 */
import * as Either from "effect/Either"
import { flow, identity } from "effect/Function"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import * as Str from "effect/String"
import { HealingRequest, idOf, isAutomatic } from "../request/HealingRequest.js"
import { Report } from "../request/Report.js"

type Cell = string | number | null

/** How a field stands in its column: what is written, and what is read. */
interface Column<A> {
  readonly encode: (value: A) => Cell
  readonly decode: (cell: unknown) => Either.Either<A, unknown>
}

const asIs = <A extends Cell>(schema: Schema.Schema<A>): Column<A> => ({
  encode: identity,
  decode: Schema.decodeUnknownEither(schema)
})

/** A boolean, as 0 or 1. */
const flag: Column<boolean> = {
  encode: (value) => (value ? 1 : 0),
  decode: flow(
    Schema.decodeUnknownEither(Schema.Int),
    Either.map((n) => n !== 0)
  )
}

/** What is not the same in JSON as in memory says how it is encoded. */
const json = <A, I>(schema: Schema.Schema<A, I>, encode: (value: A) => unknown = identity): Column<A> => ({
  encode: (value) => JSON.stringify(encode(value)),
  decode: Schema.decodeUnknownEither(Schema.parseJson(schema))
})

const nullOr = <A>({ decode, encode }: Column<A>): Column<A | null> => ({
  encode: (value) => (value === null ? null : encode(value)),
  decode: (cell) => (cell === null ? Either.right(null) : decode(cell))
})

/** An empty list is `null`, which an index leaves out. */
const nullIfEmpty = <A>({ decode, encode }: Column<ReadonlyArray<A>>): Column<ReadonlyArray<A>> => ({
  encode: (value) => (value.length === 0 ? null : encode(value)),
  decode: (cell) => (cell === null ? Either.right([]) : decode(cell))
})

const { fields: schemas } = HealingRequest

/** The columns, by the fields of a request, from which they have their names: a field without a column is a type error. */
const fields: { readonly [K in Exclude<keyof HealingRequest, "id">]: Column<HealingRequest[K]> } = {
  number: asIs(schemas.number),
  job: asIs(schemas.job),
  state: asIs(schemas.state),
  priority: asIs(schemas.priority),
  triggers: json(schemas.triggers),
  runId: asIs(schemas.runId),
  note: asIs(schemas.note),
  callersOnly: flag,
  submittedAt: asIs(schemas.submittedAt),
  notBefore: asIs(schemas.notBefore),
  waitUntil: asIs(schemas.waitUntil),
  attempts: asIs(schemas.attempts),
  starts: json(schemas.starts),
  endedAt: asIs(schemas.endedAt),
  reason: asIs(schemas.reason),
  coalescedInto: asIs(schemas.coalescedInto),
  report: nullOr(json(Report, Schema.encodeSync(Report))),
  cooldown: asIs(schemas.cooldown),
  signatures: nullIfEmpty(json(schemas.signatures))
}

/** Columns that only the indexes need. */
const derived: Readonly<Record<string, (request: HealingRequest) => Cell>> = {
  automatic: (request) => (isAutomatic(request) ? 1 : 0),
  // The last one may not be the latest: the clock may have been set back between them.
  last_start: ({ starts }) => (starts.length === 0 ? null : Math.max(...starts))
}

/**
 * The first so many columns never change.
 *
 * @internal
 */
export const FIXED = 2

/** Each field and its column. The names are made once, since rows are many. */
const named = Record.keys(fields).map((field) => ({ field, column: Str.camelToSnake(field) }))

/** @internal */
export const columns: ReadonlyArray<string> = [...named.map(({ column }) => column), ...Object.keys(derived)]

const cellOf = <K extends keyof typeof fields>(field: K): ((request: HealingRequest) => Cell) => {
  const { encode } = fields[field]
  return (request) => encode(request[field])
}

const cells = [...named.map(({ field }) => cellOf(field)), ...Object.values(derived)]

/** @internal */
export const toRow = (request: HealingRequest): Array<Cell> => cells.map((cell) => cell(request))

/**
 * The request, or why its row cannot be read.
 *
 * @internal
 */
export const fromRow = (row: Readonly<Record<string, unknown>>): Either.Either<HealingRequest, string> => {
  const request: Record<string, unknown> = {}
  const wrong: Array<string> = []
  for (const { column, field } of named) {
    const decoded: Either.Either<unknown, unknown> = fields[field].decode(row[column])
    if (Either.isRight(decoded)) request[field] = decoded.right
    else wrong.push(column)
  }
  // The names of the columns only: what stands in them may be anybody's secret.
  if (wrong.length > 0) return Either.left(`its row cannot be read: ${wrong.join(", ")}`)
  // Each field has been decoded by its column.
  return Either.right({ ...request, id: idOf(String(request.job), Number(request.number)) } as HealingRequest)
}
