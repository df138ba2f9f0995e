/**
 * Posts JSON to an address that is secret, and tells what has come of it without naming that.
 *
 * @internal
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type { HttpClientResponse } from "@effect/platform/HttpClientResponse"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { NotifyError } from "../../HealingError.js"
import { client } from "../../internal/PrivateHttp.js"
import { oneLine } from "../../text/OneLine.js"
import { conceal } from "../../text/Secrets.js"

/** What is read of an answer, in bytes. */
const MAX_ANSWER = 4096

/** What is told of it, in characters. */
const MAX_SAID = 150

/** How long the body of an answer may take. */
const PATIENCE = "2 seconds"

/** Parts of an address that are shorter are no secret. */
const MIN_SECRET = 6

/**
 * - `status`: of HTTP.
 * - `text`: the beginning of the body.
 * - `retryAfter`: how long it says to wait, in milliseconds.
 *
 * @internal
 */
export interface Answer {
  readonly status: number
  readonly text: string
  readonly retryAfter: number | undefined
}

/** Of seconds or a date, as HTTP has them. */
const retryAfterOf = (value: string | undefined, now: number): number | undefined => {
  if (value === undefined) return undefined
  const seconds = Number(value)
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}

const beginningOf = (response: HttpClientResponse): Effect.Effect<string> =>
  response.stream.pipe(
    Stream.mapConcat((chunk) => chunk),
    Stream.take(MAX_ANSWER),
    Stream.runCollect,
    Effect.map((bytes) => new TextDecoder().decode(Uint8Array.from(Chunk.toReadonlyArray(bytes)))),
    Effect.timeout(PATIENCE),
    Effect.orElseSucceed(() => "")
  )

/** `fetch` takes no address with a user and a password in it. */
const withoutUser = (url: Redacted.Redacted) => {
  const address = new URL(Redacted.value(url))
  const { password, username } = address
  if (username === "" && password === "") return { address: Redacted.value(url), authorization: {} }
  address.username = ""
  address.password = ""
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return {
    address: address.toString(),
    authorization: { authorization: `Basic ${Buffer.from(user).toString("base64")}` }
  }
}

/**
 * Redirects are not followed: what is sent is for nobody else.
 *
 * - `headers`: may hold secrets as well.
 *
 * @internal
 */
export const post = (
  url: Redacted.Redacted,
  body: string,
  headers: Readonly<Record<string, string>> = {}
): Effect.Effect<Answer, NotifyError> =>
  Effect.gen(function* () {
    const { execute } = yield* client
    const { address, authorization } = withoutUser(url)
    const request = HttpClientRequest.post(address).pipe(
      HttpClientRequest.setHeaders({ "user-agent": "effect-healing", ...authorization, ...headers }),
      HttpClientRequest.bodyText(body, "application/json")
    )
    const response = yield* execute(request)
    // One that is taken has nothing more to say.
    const text = response.status >= 200 && response.status < 300 ? "" : yield* beginningOf(response)
    return {
      status: response.status,
      text,
      retryAfter: retryAfterOf(response.headers["retry-after"], yield* Clock.currentTimeMillis)
    }
  }).pipe(
    Effect.scoped,
    Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
    // Its errors hold the address.
    Effect.mapError((error) => new NotifyError({ reason: "Failed", detail: `it cannot be reached${codeOf(error)}` }))
  )

/** The codes of Node, such as `ECONNREFUSED`, which stand at the end of a chain of causes. */
const codeOf = (error: unknown): string => {
  for (let cause: unknown = error, depth = 0; cause instanceof Object && depth < 5; depth++) {
    if ("code" in cause && typeof cause.code === "string" && /^[A-Z_0-9]{3,40}$/.test(cause.code))
      return ` (${cause.code})`
    cause = "cause" in cause ? cause.cause : undefined
  }
  return ""
}

/** An answer may repeat what it was asked for. */
const withoutAddress = (text: string, secrets: ReadonlyArray<string>): string => {
  const parts = secrets.flatMap((secret) => [secret, ...secret.split(/[/?&=:@]+/)])
  return parts
    .filter((part) => part.length >= MIN_SECRET)
    .sort((one, other) => other.length - one.length)
    .reduce((said, part) => said.replaceAll(part, "[secret]"), text)
}

/** Receivers that will never take this notice, and not only for now. */
const REFUSED = [400, 405, 406, 411, 413, 414, 415, 422, 431]

/**
 * That it was not taken.
 *
 * - `secrets`: what is taken out of what the receiver has said.
 * - `said`: what it has said, if that is somewhere in particular.
 * - `retryAfter`: how long to wait, if it says so by itself.
 * - `isConfig`: whether nothing is wrong with the notice: what is wrong may be mended before it is tried again.
 *
 * @internal
 */
export const notTaken = (
  { retryAfter, status, text }: Answer,
  secrets: ReadonlyArray<Redacted.Redacted>,
  more: {
    readonly said?: string | undefined
    readonly retryAfter?: number | undefined
    readonly isConfig?: boolean | undefined
  } = {}
): NotifyError => {
  const said = oneLine(conceal(withoutAddress(more.said ?? text, secrets.map(Redacted.value)))).slice(0, MAX_SAID)
  const what = status >= 300 && status < 400 ? `it answers ${status}, which leads elsewhere` : `it answers ${status}`
  const wait = more.retryAfter ?? retryAfter
  return new NotifyError({
    reason: REFUSED.includes(status) && more.isConfig !== true ? "Refused" : "Failed",
    // A page of a proxy tells nobody anything.
    detail: said === "" || said.startsWith("<") ? what : `${what}: ${said}`,
    ...(wait !== undefined && { retryAfter: wait })
  })
}

/** @internal */
export const isTaken = ({ status }: Answer): boolean => status >= 200 && status < 300

/**
 * Something in the JSON of an answer.
 *
 * @internal
 */
export const inAnswer = ({ text }: Answer, ...path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>(
    (found, key) => (found instanceof Object ? Reflect.get(found, key) : undefined),
    Option.getOrUndefined(Option.liftThrowable((): unknown => JSON.parse(text))())
  )
