/**
 * The gateway of OpenClaw, which runs agents that no supervisor has started.
 *
 * @since 0.1.0
 */
import type { WebSocketConstructor } from "@effect/platform/Socket"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { HealingConfigError } from "../HealingError.js"
import * as Durations from "../internal/Durations.js"
import { expecting, withDefault } from "../internal/Input.js"
import { decodeOptions } from "../internal/Options.js"
import { Supervisor } from "../supervisor/Supervisor.js"
import * as Watch from "./gateway/Watch.js"

/**
 * How the gateway is found.
 *
 * - `url` ("ws://127.0.0.1:18789"): where it listens, with `ws:` or `wss:`.
 * - `token`: that of its `gateway.auth.token`; by default the `OPENCLAW_GATEWAY_TOKEN` of the environment, if there is one. It is sent to
 *   the gateway, and nowhere else.
 * - `idleInterval` ("5 seconds"), `busyInterval` ("2 seconds"): how often it is asked how much it has to do, while it has nothing to do,
 *   and while it has; 100 milliseconds to 1 hour.
 *
 * @since 0.1.0
 * @category models
 */
export interface OpenClawGatewayOptions {
  readonly url?: string | undefined
  readonly token?: Redacted.Redacted<string> | undefined
  readonly idleInterval?: Duration.DurationInput | undefined
  readonly busyInterval?: Duration.DurationInput | undefined
}

/**
 * The `Supervisor` of what a gateway does: runs of agents, chats, heartbeats, sub-agents and cron jobs. While it does any of that, it counts
 * as an OpenClaw job that runs: as its cron jobs that run, or as `openclaw gateway`. It is a source of its own in the running
 * state, named `openclaw gateway`.
 *
 * - It connects with the scope `operator.read`, changes nothing, and connects again when it has lost the gateway. While there is no
 *   connection, what the gateway does is unknown, and thereby busy (R16). A gateway that refuses the token is not tried again.
 * - It is idle when it has nothing to do, by its own count, two seconds after it was last seen to work. Requests of others that are
 *   being answered count as work for as long as that takes. After a start of the gateway it is busy for at least 13 seconds, since the gateway
 *   may go on with a run by itself.
 * - A job is all its cron jobs of one name, `openclaw cron: <name>`. A run that fails is a `failure`; one that was cancelled is not. What
 *   has failed without a connection is found when there is one again, at most once for each cron job; what failed before this layer was
 *   built is not.
 * - Evidence holds the schedule, the prompt, how the last 50 runs have ended and what the gateway says has gone wrong.
 * - Reviews by `OpenClawReviewer` do not go through the gateway: it does not see them, and they do not hold themselves up.
 *
 * The layer fails with `HealingConfigError` if an option is wrong. `jobs` and `evidence` fail with a `SupervisorError` without a connection.
 * It needs OpenClaw 2026.5.28 or newer, was tried with 2026.9.6, and speaks its protocol: https://docs.openclaw.ai/gateway/protocol.
 *
 * @example
 * ```ts
 * import { NodeSocket } from "@effect/platform-node"
 * import { Layer, Redacted } from "effect"
 * import { OpenClawGateway } from "effect-healing/openclaw"
 *
 * export const GatewayLive = OpenClawGateway.layer({ token: Redacted.make("the token of the gateway") }).pipe(
 *   Layer.provide(NodeSocket.layerWebSocketConstructor)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const OpenClawGateway: {
  readonly layer: (
    options?: OpenClawGatewayOptions
  ) => Layer.Layer<Supervisor, HealingConfigError, WebSocketConstructor>
} = {
  layer: (options = {}) =>
    Layer.scoped(
      Supervisor,
      Effect.gen(function* () {
        const { busyInterval, idleInterval, token, url } = yield* accept(options)
        return yield* Watch.make({
          url: new URL(url),
          token: token ?? (yield* ofEnvironment),
          intervals: { idle: Duration.toMillis(idleInterval), busy: Duration.toMillis(busyInterval) }
        })
      })
    )
}

const isAddress = (url: string): boolean => URL.canParse(url) && /^wss?:$/.test(new URL(url).protocol)

const address = expecting('a URL with ws: or wss:, such as "ws://127.0.0.1:18789"')(
  Schema.String.pipe(Schema.filter(isAddress))
)

const interval = expecting("a duration of 100 milliseconds to 1 hour")(
  Durations.inCode.finite.pipe(
    Schema.filter((duration) => Duration.between(duration, { minimum: "100 millis", maximum: "1 hour" }))
  )
)

const Options = Schema.Struct({
  url: withDefault(address, () => "ws://127.0.0.1:18789"),
  token: Schema.optional(expecting("a Redacted token")(Schema.RedactedFromSelf(Schema.NonEmptyString))),
  idleInterval: withDefault(interval, () => Duration.seconds(5)),
  busyInterval: withDefault(interval, () => Duration.seconds(2))
})

const accept = decodeOptions("OpenClawGateway.layer", Options, Object.keys(Options.fields))

const ofEnvironment: Effect.Effect<Redacted.Redacted<string> | undefined> = Config.redacted(
  "OPENCLAW_GATEWAY_TOKEN"
).pipe(
  Config.option,
  Effect.orElseSucceed(() => Option.none<Redacted.Redacted<string>>()),
  Effect.map(Option.filter((token) => Redacted.value(token) !== "")),
  Effect.map(Option.getOrUndefined)
)
