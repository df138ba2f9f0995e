/**
 * A connection to a gateway that runs.
 *
 * @internal
 */
import * as Socket from "@effect/platform/Socket"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { VERSION } from "../../internal/Version.js"
import * as Frames from "./Frames.js"

/**
 * There is no connection, or no more.
 *
 * - `reason`: why, without anything secret.
 * - `retryAfter`: how long the gateway says to wait, in milliseconds.
 * - `isForGood`: whether another try with the same token would end in the same way.
 *
 * @internal
 */
export class GatewayLost extends Data.TaggedError("GatewayLost")<{
  readonly reason: string
  readonly retryAfter?: number | undefined
  readonly isForGood?: boolean
}> {}

/**
 * The gateway does not answer this question. `code`: why not, in a word of the protocol.
 *
 * @internal
 */
export class GatewayRefused extends Data.TaggedError("GatewayRefused")<{
  readonly code: string
  readonly retryAfter: number | undefined
}> {}

/**
 * - `ask`: asks something, and waits for the answer as long as the connection lasts.
 * - `lost`: fails when the connection is.
 *
 * @internal
 */
export interface Client {
  readonly hello: Frames.Hello
  readonly ask: (method: string, params?: object) => Effect.Effect<unknown, GatewayLost | GatewayRefused>
  readonly lost: Effect.Effect<never, GatewayLost>
}

/** How long the gateway may take until it has said hello. */
const PATIENCE: Duration.DurationInput = "10 seconds"

/** The gateway sends no longer frames: its own limit is 25 MiB. */
const MAX_FRAME = 32 * 1024 * 1024

/** By these it says that the token is wrong or missing. */
const WRONG_TOKEN =
  /^(?:NOT_PAIRED|PAIRING_REQUIRED|DEVICE_\w+|AUTH_(?:REQUIRED|UNAUTHORIZED|\w+_MISMATCH|\w+_MISSING|\w+_NOT_CONFIGURED))$/

/**
 * Connects, and says hello.
 *
 * - `receive`: an event, within the turn of the event loop in which it has arrived.
 *
 * @internal
 */
export const open = Effect.fnUntraced(function* (
  url: URL,
  token: Redacted.Redacted<string> | undefined,
  receive: (event: string, payload: () => unknown) => void
): Effect.fn.Return<Client, GatewayLost, Scope.Scope | Socket.WebSocketConstructor> {
  const lost = yield* Deferred.make<never, GatewayLost>()
  const challenged = yield* Deferred.make<void>()
  const asking = new Map<string, Deferred.Deferred<unknown, GatewayRefused>>()
  const lose = (reason: string) => Deferred.unsafeDone(lost, Exit.fail(new GatewayLost({ reason })))

  const read = (data: string | Uint8Array) => {
    if (data.length > MAX_FRAME) return lose("it has sent a frame that is too long")
    const frame = Option.getOrUndefined(Frames.frameOf(typeof data === "string" ? data : decoder.decode(data)))
    if (frame === undefined) return lose("it has sent what is no frame")
    if (frame.type === "res") {
      const { id, ok, payload } = frame
      const answer = ok ? Exit.succeed(payload) : Exit.fail(new GatewayRefused(Frames.refusalOf(payload)))
      const waiting = asking.get(id)
      if (waiting !== undefined) Deferred.unsafeDone(waiting, answer)
    } else if (frame.event === "connect.challenge") Deferred.unsafeDone(challenged, Exit.void)
    else receive(frame.event, frame.payload)
  }

  // Every end is a loss. Of itself it would take 1006 for none, by which a gateway ends that was killed.
  const socket = yield* Socket.makeWebSocket(url.href, { closeCodeIsError: () => true, openTimeout: PATIENCE })
  const write = yield* socket.writer
  yield* socket.runRaw(read).pipe(
    // What is wrong may have the address with its password in it.
    Effect.catchAllCause(() => Effect.void),
    Effect.zipRight(Effect.sync(() => lose(`there is no connection to ${url.host}`))),
    Effect.forkScoped
  )

  let asked = 0
  const ask = (method: string, params: object = {}): Effect.Effect<unknown, GatewayLost | GatewayRefused> =>
    Effect.suspend(() => {
      const id = `${++asked}`
      const answer = Deferred.unsafeMake<unknown, GatewayRefused>(FiberId.none)
      asking.set(id, answer)
      return write(JSON.stringify({ type: "req", id, method, params })).pipe(
        // A connection over which nothing can be written was lost.
        Effect.catchAll(() => Effect.void),
        Effect.zipRight(Deferred.await(answer)),
        Effect.raceFirst(Deferred.await(lost)),
        Effect.ensuring(Effect.sync(() => asking.delete(id)))
      )
    })

  const hello = yield* Effect.raceFirst(Deferred.await(challenged), Deferred.await(lost)).pipe(
    Effect.zipRight(ask("connect", Frames.connectParams(VERSION, token && Redacted.value(token)))),
    Effect.catchTag("GatewayRefused", ({ code, retryAfter }) => notConnected(code, retryAfter)),
    Effect.map(Frames.helloOf),
    Effect.flatMap(
      Option.match({
        onNone: () => new GatewayLost({ reason: "it has said hello in a way that is not known" }),
        onSome: Effect.succeed
      })
    ),
    Effect.timeoutFail({ duration: PATIENCE, onTimeout: () => new GatewayLost({ reason: "it does not say hello" }) })
  )
  return { hello, ask, lost: Deferred.await(lost) }
})

const decoder = new TextDecoder()

const notConnected = (code: string, retryAfter: number | undefined) => {
  if (WRONG_TOKEN.test(code)) {
    const reason = `it refuses the token (${code}): provide the right one, and start anew`
    return new GatewayLost({ reason, isForGood: true })
  }
  if (code === "PROTOCOL_MISMATCH") {
    return new GatewayLost({ reason: `it does not speak version ${Frames.PROTOCOL} of its protocol (${code})` })
  }
  return new GatewayLost({ reason: `it refuses the connection (${code})`, retryAfter })
}
