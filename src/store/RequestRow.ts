/**
 * A request as a row of the table `healing_requests`.
 *
 * @internal
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { HealingRequest, idOf, isAutomatic } from "../request/HealingRequest.js"
import { Report } from "../request/Report.js"
import { asIs, type Cell, flag, json, nullIfEmpty, nullOr, table } from "./Column.js"

const { fields: schemas } = HealingRequest

/** A field without a column is a type error. */
const row = table<Omit<HealingRequest, "id">>(
  {
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
  },
  {
    automatic: (request) => (isAutomatic(request) ? 1 : 0),
    // The last one may not be the latest: the clock may have been set back between them.
    last_start: ({ starts }) => (starts.length === 0 ? null : Math.max(...starts))
  }
)

/**
 * The first so many columns never change.
 *
 * @internal
 */
export const FIXED = 2

/** @internal */
export const columns: ReadonlyArray<string> = row.columns

/** @internal */
export const toRow = (request: HealingRequest): Array<Cell> => row.toRow(request)

/**
 * The request, or why its row cannot be read.
 *
 * @internal
 */
export const fromRow = (found: Readonly<Record<string, unknown>>): Either.Either<HealingRequest, string> =>
  Either.map(row.fromRow(found), (request) => ({ ...request, id: idOf(request.job, request.number) }))
