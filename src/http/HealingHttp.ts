/**
 * The API: what people ask and decide from a script, another program or a page.
 *
 * @since 0.1.0
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { HealingService } from "../gate/HealingService.js"
import type { HealingConfigError } from "../HealingError.js"
import type { HealingQueue } from "../queue/HealingQueue.js"
import type { OpenClaw } from "../running/OpenClaw.js"
import type { HealingConfig } from "../settings/HealingConfig.js"
import * as Client from "./Client.js"
import * as Serving from "./Serving.js"
import * as WebHandler from "./WebHandler.js"

export * from "./ApiError.js"
export * from "./ApiEvent.js"
export * from "./ApiModel.js"
export type { HealingClient, Place } from "./Client.js"
export { Admission, HealingApi } from "./HealingApi.js"
export * from "./Rights.js"
export type { WebHandlerOptions } from "./WebHandler.js"

/**
 * The API is served, at these addresses.
 *
 * What stands above the queue is shown if the app has it: `HealingScheduler`, `Suggestions`, `Supervisor`. Addresses that need one that is
 * not there fail with `NotProvided`.
 *
 * @example
 * ```ts
 * import { NodeContext, NodeRuntime } from "@effect/platform-node"
 * import { Layer } from "effect"
 * import { Healing, type Reviewer, type Supervisor } from "effect-healing"
 * import { HealingHttp } from "effect-healing/http"
 *
 * declare const SupervisorLive: Layer.Layer<Supervisor>
 * declare const ReviewerLive: Layer.Layer<Reviewer>
 *
 * const AppLive = HealingHttp.layer.pipe(
 *   Layer.provide(Healing.layerSupervised({ filename: "healing.db", settings: { http: { port: 9877 } } })),
 *   Layer.provide([SupervisorLive, ReviewerLive]),
 *   Layer.provide(NodeContext.layer)
 * )
 *
 * NodeRuntime.runMain(Layer.launch(AppLive))
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class HealingHttp extends Context.Tag("effect-healing/HealingHttp")<
  HealingHttp,
  {
    /** The path of the Unix socket. Only the user who runs the process, and root, can connect to it. */
    readonly socket: string
    /** The folder of the tokens for TCP: a file each, whose name is the label. */
    readonly tokens: string
    /** Where it is reached over TCP, if the setting `http.port` says so. */
    readonly url: string | undefined
  }
>() {
  /**
   * Listens on a Unix socket in a folder of its own beside the database, and on a TCP port if the setting `http.port` names one. Everybody
   * needs a token there; the first one is made with the port.
   *
   * It fails with `HealingConfigError` if the store has no file of its own, if the path of the socket would be too long, if others may enter
   * the folder, or if the port cannot be had. When its scope closes, what is being answered is interrupted and told so.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<
    HealingHttp,
    HealingConfigError,
    HealingService | HealingQueue | OpenClaw | HealingConfig | FileSystem | Path
  > = Layer.scoped(this, Serving.make)

  /**
   * The API as a handler of web requests, to be mounted into an app of one's own, whose server it is. The app says who asks, and what they
   * may do. Pages of the app may call it; those of other origins may not, so a proxy has to pass the `Host` header on. Streams of events end
   * when the scope closes.
   *
   * @example
   * ```ts
   * import { Effect } from "effect"
   * import { HealingHttp } from "effect-healing/http"
   *
   * declare const userOf: (request: Request) => Effect.Effect<{ readonly name: string; readonly isAdmin: boolean }>
   *
   * const program = Effect.gen(function* () {
   *   const handler = yield* HealingHttp.toWebHandler({
   *     prefix: "/healing",
   *     authorize: (request) =>
   *       Effect.map(userOf(request), ({ isAdmin, name }) => ({ name, rights: isAdmin ? "all" : "read" }))
   *   })
   *   // Such as `app.all("/healing/*", (c) => handler(c.req.raw))` with Hono.
   *   return handler
   * })
   * ```
   *
   * @since 0.1.0
   */
  static readonly toWebHandler: (
    options: WebHandler.WebHandlerOptions
  ) => Effect.Effect<
    (request: Request) => Promise<Response>,
    never,
    HealingService | HealingQueue | OpenClaw | HealingConfig | Scope.Scope
  > = WebHandler.make

  /**
   * A typed client, over the Unix socket or over TCP.
   *
   * @example
   * ```ts
   * import { Console, Effect } from "effect"
   * import { HealingHttp } from "effect-healing/http"
   *
   * const program = Effect.gen(function* () {
   *   const { api } = yield* HealingHttp.client({ socket: "/var/lib/jobs/healing.db-run/api.sock" })
   *   const { heldBy, waiting } = yield* api.status.status()
   *   yield* Console.log(waiting, heldBy)
   * }).pipe(Effect.scoped)
   * ```
   *
   * @since 0.1.0
   */
  static readonly client: (place: Client.Place) => Effect.Effect<Client.HealingClient, never, Scope.Scope> = Client.make
}
