/**
 * What the module says of what happens: one line each, for a person who reads `pm2 logs`.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Inspectable from "effect/Inspectable"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import type { HealingEvent } from "../queue/HealingEvent.js"
import type { HealingRequest } from "../request/HealingRequest.js"
import { oneLine } from "../text/OneLine.js"

/**
 * An instant as PM2 writes it before each line, in the time zone of the machine.
 *
 * @internal
 */
export const time = (at: number): string => new Date(at).toLocaleString("sv-SE")

/** @internal */
export const names = (all: ReadonlyArray<string>): string => (all.length === 0 ? "none" : all.join(", "))

/**
 * What a line says beside the event itself.
 *
 * - `file`: where the report stands, if this is the end of a completed review.
 * - `hasBegun`: whether the review has begun that has ended or failed.
 * - `wishes`: how often it was wanted once more.
 *
 * @internal
 */
export interface Told {
  readonly file?: string | undefined
  readonly hasBegun?: boolean
  readonly wishes?: number
}

/**
 * Events that the queue itself says in the log.
 *
 * @internal
 */
export type Logged = Extract<
  HealingEvent,
  { readonly _tag: "RateLimited" | "SetAside" | "StoreFailing" | "StoreRecovered" }
>

/** @internal */
export const isLogged = (event: HealingEvent): event is Logged =>
  event._tag === "RateLimited" ||
  event._tag === "SetAside" ||
  event._tag === "StoreFailing" ||
  event._tag === "StoreRecovered"

/** @internal */
export const lineOf = (
  event: Exclude<HealingEvent, Logged>,
  { file, hasBegun = true, wishes = 0 }: Told = {}
): string => {
  switch (event._tag) {
    case "Submitted": {
      const { id, job, notBefore, triggers } = event.request
      const when = notBefore === null ? "waits for its turn" : `waits until ${time(notBefore)}`
      return `${job}: a review is wanted (${triggers.join(", ")}) and ${when}: ${id}`
    }
    case "Coalesced":
      return `${event.request.job}: its waiting review is wanted once more (${event.request.triggers.join(", ")}); further wishes are only counted`
    case "Started":
      return `${event.request.job}: the review begins${wishes === 0 ? "" : `, which was wanted ${wishes + 1} times`}`
    case "GivenBack": {
      const { job, notBefore, reason } = event.request
      if (reason === null) return `${job}: the review waits again`
      return oneLine(
        `${job}: the review waits until it can begin, since ${reason}; the next look is at ${time(notBefore ?? event.at)}`
      )
    }
    case "Retrying": {
      const { job, notBefore } = event.request
      const when = notBefore === null ? "" : ` at ${time(notBefore)}`
      const what = hasBegun ? "the review has failed" : "no review was possible"
      return oneLine(`${job}: ${what}, and it is tried again${when}: ${event.reason}`)
    }
    case "Ended": {
      const { job, reason, report, state } = event.request
      const where = file === undefined ? "" : `, see ${file}`
      return `${job}: ${endOf(state, hasBegun)}${where}: ${oneLine(report?.summary ?? reason ?? "")}`
    }
    case "Explained":
      return `${event.job}: it has failed as before, and is not reviewed again${file === undefined ? "" : `: the report is ${file}`}. To have it reviewed all the same: pm2 trigger effect-healing heal ${event.job}`
    case "Paused":
      return "the queue is paused"
    case "Resumed":
      return "the queue goes on"
  }
}

const endOf = (state: HealingRequest["state"], hasBegun: boolean): string => {
  if (state !== "failed") return `the review is ${state}`
  return hasBegun ? "the review has failed" : "no review was possible"
}

/**
 * PM2 writes the times. Errors go to its file of errors.
 *
 * @internal
 */
export const layerLogger: Layer.Layer<never> = Logger.replace(
  Logger.defaultLogger,
  Logger.make(({ cause, logLevel, message }) => {
    const words = (Array.isArray(message) ? message : [message]).map((word) => Inspectable.toStringUnknown(word, 0))
    const why = Cause.isEmpty(cause) ? [] : [Cause.pretty(cause)]
    const level = LogLevel.greaterThan(logLevel, LogLevel.Info) ? `${logLevel.label.toLowerCase()}: ` : ""
    const line = level + oneLine([...words, ...why].join(" "))
    if (LogLevel.greaterThanEqual(logLevel, LogLevel.Error)) globalThis.console.error(line)
    else globalThis.console.log(line)
  })
)
