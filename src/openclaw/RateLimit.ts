/**
 * How OpenClaw tells that the provider of the model limits the rate of its requests.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import { head } from "../text/Excerpt.js"
import { OpenClawRateLimited } from "./OpenClawError.js"

/**
 * A shorter one is the pause that OpenClaw makes between its own tries, and not what the provider has named.
 */
const SHORTEST = Duration.toMillis("1 minute")

/** The queue waits for no longer anyway. */
const LONGEST = Duration.toMillis("1 day")

/**
 * Looks for it in what OpenClaw writes to its standard error while it still goes on trying, such as
 * `transient same-model retry 1/9 for openai/gpt-5 reason=rate_limit: delayMs=3600000`.
 *
 * - `hasFallback`: whether it goes on to another model by itself, so that only a long delay is worth a stop.
 *
 * @internal
 */
export const inDiagnostics = (stderr: string, now: number, hasFallback: boolean): OpenClawRateLimited | undefined => {
  // The end of its line is needed: without it the delay may be cut.
  const pattern = /transient same-model retry \d+\/\d+ for \S+ reason=rate_limit: delayMs=(\d+)(?=[^\n]*\n)/
  const [detail, millis] = pattern.exec(stderr) ?? []
  if (detail === undefined) return undefined
  const delay = Number(millis)
  return hasFallback && delay < SHORTEST ? undefined : rateLimited(detail, delay, now)
}

/**
 * Looks for it in the message of a failure, such as `Rate limit reached; Retry-After: 120 seconds`.
 *
 * @internal
 */
export const inMessage = (message: string, now: number): OpenClawRateLimited | undefined => {
  if (!/\brate[ _-]?limit|\b429\b|too many requests|current quota|insufficient_quota/i.test(message)) return undefined
  const seconds = /retry[- ]after:? (\d+)/i.exec(message)?.[1]
  return rateLimited(message, Number(seconds ?? 0) * 1000, now)
}

const rateLimited = (detail: string, delay: number, now: number): OpenClawRateLimited =>
  new OpenClawRateLimited({
    detail: head(detail, MAX_DETAIL).text,
    ...(delay >= SHORTEST && { until: now + Math.min(delay, LONGEST) })
  })

const MAX_DETAIL = 500
