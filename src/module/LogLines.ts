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

const MAX_LINE = 1000

/** @internal */
export const oneLine = (text: string): string => {
  const line = text.trim().replaceAll(/\s+/g, " ")
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line
}

/** @internal */
export const time = (at: number): string => new Date(at).toISOString()

/**
 * - `file`: where the report stands, if this is the end of a completed review.
 *
 * @internal
 */
export const lineOf = (event: HealingEvent, file?: string): string => {
  switch (event._tag) {
    case "Submitted": {
      const { id, job, notBefore, triggers } = event.request
      const when = notBefore === null ? "waits for its turn" : `waits until ${time(notBefore)}`
      return `${job}: a review is wanted (${triggers.join(", ")}) and ${when}: ${id}`
    }
    case "Coalesced":
      return `${event.request.job}: its waiting review is wanted once more (${event.request.triggers.join(", ")})`
    case "Started":
      return `${event.request.job}: the review begins`
    case "GivenBack":
      return `${event.request.job}: the review waits again`
    case "Retrying":
      return oneLine(`${event.request.job}: the review has failed, and is tried again: ${event.reason}`)
    case "Ended": {
      const { job, reason, report, state } = event.request
      const where = file === undefined ? "" : `, see ${file}`
      const end = state === "failed" ? "has failed" : `is ${state}`
      return `${job}: the review ${end}${where}: ${oneLine(report?.summary ?? reason ?? "")}`
    }
    case "Paused":
      return "the queue is paused"
    case "Resumed":
      return "the queue goes on"
    case "RateLimited":
      return `the provider limits the rate of requests: reviews wait until ${time(event.until)}`
    case "SetAside":
      return oneLine(`the request ${event.number} cannot be read and is set aside: ${event.reason}`)
    case "StoreFailing":
      return oneLine(`what happens cannot be written, and no review begins until it can: ${event.reason}`)
    case "StoreRecovered":
      return "what has happened is written again"
  }
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
