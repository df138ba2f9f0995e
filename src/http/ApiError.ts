/**
 * How the API fails: the errors of the doors, and the typed errors of the services as they stand in an answer.
 *
 * @since 0.1.0
 */
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Schema from "effect/Schema"
import * as E from "../HealingError.js"

const status = <A>(code: number, description: string): Schema.Annotations.Schema<A> =>
  HttpApiSchema.annotations({ status: code, description })

const said = { message: Schema.String }

/**
 * There was no token, or none that is valid.
 *
 * @since 0.1.0
 * @category errors
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized>("effect-healing/Unauthorized")(
  "Unauthorized",
  said,
  status(401, "No token, or none that is valid")
) {}

/**
 * Whoever asks may not do this.
 *
 * - `needs`: the right that it needs.
 *
 * @since 0.1.0
 * @category errors
 */
export class NotPermitted extends Schema.TaggedError<NotPermitted>("effect-healing/NotPermitted")(
  "NotPermitted",
  { needs: Schema.String, ...said },
  status(403, "Whoever asks may not do this")
) {}

/**
 * A page of another origin has asked, in somebody's browser.
 *
 * @since 0.1.0
 * @category errors
 */
export class OtherOrigin extends Schema.TaggedError<OtherOrigin>("effect-healing/OtherOrigin")(
  "OtherOrigin",
  said,
  status(403, "A page of another origin has asked")
) {}

/**
 * The `Host` header names another machine: `http.allowed_hosts` says which names count.
 *
 * @since 0.1.0
 * @category errors
 */
export class OtherHost extends Schema.TaggedError<OtherHost>("effect-healing/OtherHost")(
  "OtherHost",
  said,
  status(421, "The Host header names another machine")
) {}

/**
 * What was sent is not JSON, or not well-formed.
 *
 * @since 0.1.0
 * @category errors
 */
export class BadBody extends Schema.TaggedError<BadBody>("effect-healing/BadBody")(
  "BadBody",
  said,
  status(400, "What was sent is not JSON")
) {}

/**
 * What was sent is larger than it may be.
 *
 * @since 0.1.0
 * @category errors
 */
export class BodyTooLarge extends Schema.TaggedError<BodyTooLarge>("effect-healing/BodyTooLarge")(
  "BodyTooLarge",
  said,
  status(413, "What was sent is too large")
) {}

/**
 * What was sent says that it is something else than JSON.
 *
 * @since 0.1.0
 * @category errors
 */
export class NotJson extends Schema.TaggedError<NotJson>("effect-healing/NotJson")(
  "NotJson",
  said,
  status(415, "What was sent says that it is something else than JSON")
) {}

/**
 * A write with this `Idempotency-Key` was made before, or is being made: nothing was done again.
 *
 * @since 0.1.0
 * @category errors
 */
export class Repeated extends Schema.TaggedError<Repeated>("effect-healing/Repeated")(
  "Repeated",
  said,
  status(409, "A write with this Idempotency-Key was made before")
) {}

/**
 * Too many requests are being answered now.
 *
 * @since 0.1.0
 * @category errors
 */
export class TooBusy extends Schema.TaggedError<TooBusy>("effect-healing/TooBusy")(
  "TooBusy",
  said,
  status(429, "Too many requests are being answered now")
) {}

/**
 * The API is closed, or is being closed.
 *
 * @since 0.1.0
 * @category errors
 */
export class Closed extends Schema.TaggedError<Closed>("effect-healing/http/Closed")(
  "Closed",
  said,
  status(503, "The API is closed")
) {}

/**
 * The answer was not there in time.
 *
 * @since 0.1.0
 * @category errors
 */
export class TooSlow extends Schema.TaggedError<TooSlow>("effect-healing/TooSlow")(
  "TooSlow",
  said,
  status(504, "The answer was not there in time")
) {}

/**
 * The link to the page was used before, or is too old.
 *
 * @since 0.1.0
 * @category errors
 */
export class LinkSpent extends Schema.TaggedError<LinkSpent>("effect-healing/LinkSpent")(
  "LinkSpent",
  said,
  status(410, "The link to the page was used before, or is too old")
) {}

/**
 * The app has not provided what this needs, such as a supervisor.
 *
 * - `service`: what is not there.
 *
 * @since 0.1.0
 * @category errors
 */
export class NotProvided extends Schema.TaggedError<NotProvided>("effect-healing/NotProvided")(
  "NotProvided",
  { service: Schema.String, ...said },
  status(501, "The app has not provided what this needs")
) {}

/**
 * The supervisor has no job of this name.
 *
 * @since 0.1.0
 * @category errors
 */
export class JobNotFound extends Schema.TaggedError<JobNotFound>("effect-healing/JobNotFound")(
  "JobNotFound",
  { job: Schema.String, ...said },
  status(404, "The supervisor has no job of this name")
) {}

/**
 * There is nothing at this address.
 *
 * @since 0.1.0
 * @category errors
 */
export class NoSuchAddress extends Schema.TaggedError<NoSuchAddress>("effect-healing/NoSuchAddress")(
  "NoSuchAddress",
  said,
  status(404, "There is nothing at this address")
) {}

/**
 * Something broke while the answer was made; the log of the process says what.
 *
 * @since 0.1.0
 * @category errors
 */
export class Broken extends Schema.TaggedError<Broken>("effect-healing/Broken")(
  "Broken",
  said,
  status(500, "Something broke; the log of the process says what")
) {}

/** A typed error of a service, with its message beside its fields. It is the same error again for a typed client. */
const onWire = <A extends { readonly message: string }, I extends { readonly _tag: string }>(
  schema: Schema.Schema<A, I>,
  code: number,
  description: string
): Schema.Schema<A, I & { readonly message: string }> =>
  Schema.transform(Schema.extend(Schema.encodedSchema(schema), Schema.Struct(said)), schema, {
    // The message is made of the other fields.
    strict: false,
    decode: ({ message: _, ...fields }) => fields,
    encode: (fields, { message }) => ({ ...fields, message })
  }).annotations(status(code, description))

/** @internal */
export const Invalid = onWire(E.HealingInvalid, 400, "What was asked for does not fit")

/** @internal */
export const NotFound = onWire(E.HealingNotFound, 404, "There is no such request")

/** @internal */
export const QueueFull = onWire(E.HealingQueueFull, 429, "As many requests are pending as may be")

/** @internal */
export const NoSuggestion = onWire(E.SuggestionNotFound, 404, "There is no such suggestion")

/** @internal */
export const Decided = onWire(E.SuggestionDecided, 409, "Somebody has decided on it, or it has come to its end")

/** @internal */
export const Refused = onWire(E.SuggestionRefused, 422, "It cannot be done as things are")

/** @internal */
export const Stale = onWire(E.SuggestionStale, 409, "It is not what was shown any more")

/** @internal */
export const Stopped = onWire(E.SuggestionsStopped, 409, "Applications are stopped")

/** @internal */
export const Busy = onWire(E.SuggestionBusy, 409, "The job runs")

/** @internal */
export const Edited = onWire(E.SuggestionEdited, 409, "Somebody has edited the file since")

/** @internal */
export const NotWritten = onWire(E.SuggestionNotWritten, 500, "The file could not be written")

/** @internal */
export const NotRestarted = onWire(E.SuggestionNotRestarted, 500, "The file was written, but the job was not restarted")

const storeSentences: Readonly<Record<E.HealingStoreError["reason"], string>> = {
  Owned: "Another process owns the database",
  Replaced: "The database was removed or replaced",
  InDoubt: "Whether the last commit was written is not known",
  NotADatabase: "The database is damaged, or is none",
  ReadOnly: "The database may only be read",
  Full: "There is no room left for the database",
  TooNew: "A newer version has written the database",
  Moved: "What the database had was moved into another one",
  UnexpectedState: "Somebody else writes to the database, or this is a bug",
  Closed: "The store is closed",
  Unsupported: "The store cannot do this",
  Unavailable: "The database cannot be used"
}

/**
 * Without its cause, and without the path of the database: the log of the process has both.
 *
 * @internal
 */
export const StoreFailed: Schema.Schema<
  E.HealingStoreError,
  { readonly _tag: "HealingStoreError"; readonly reason: E.HealingStoreError["reason"]; readonly message: string }
> = Schema.transform(
  Schema.Struct({
    _tag: Schema.tag("HealingStoreError"),
    reason: E.HealingStoreError.fields.reason,
    message: Schema.String
  }),
  Schema.typeSchema(E.HealingStoreError),
  {
    strict: true,
    decode: ({ message, reason }) => new E.HealingStoreError({ reason, detail: message }),
    encode: ({ reason }) => ({
      _tag: "HealingStoreError" as const,
      reason,
      message: `${storeSentences[reason]}: see the log of the process`
    })
  }
).annotations(status(503, "The store cannot do this now"))

/**
 * Without its cause.
 *
 * @internal
 */
export const SupervisorSilent: Schema.Schema<
  E.SupervisorError,
  { readonly _tag: "SupervisorError"; readonly message: string }
> = Schema.transform(
  Schema.Struct({ _tag: Schema.tag("SupervisorError"), message: Schema.String }),
  Schema.typeSchema(E.SupervisorError),
  {
    strict: true,
    decode: ({ message }) => new E.SupervisorError({ detail: message }),
    encode: ({ detail }) => ({ _tag: "SupervisorError" as const, message: detail })
  }
).annotations(status(503, "The supervisor does not answer"))

/**
 * What any question about suggestions can fail with; one about a single one; a decision on it.
 *
 * @internal
 */
export const Asked = Schema.Union(NotProvided, Invalid, StoreFailed)

/** @internal */
export const AskedOfOne = Schema.Union(...Asked.members, NoSuggestion)

/** @internal */
export const Undecided = Schema.Union(...AskedOfOne.members, Decided)

/**
 * What any request can fail with before it comes to what was asked for.
 *
 * @since 0.1.0
 * @category schemas
 */
export const AtTheDoor = Schema.Union(
  Unauthorized,
  NotPermitted,
  OtherOrigin,
  OtherHost,
  BadBody,
  BodyTooLarge,
  NotJson,
  Repeated,
  TooBusy,
  TooSlow,
  Closed,
  NoSuchAddress,
  Broken
)

/**
 * @since 0.1.0
 * @category errors
 */
export type AtTheDoor = typeof AtTheDoor.Type
