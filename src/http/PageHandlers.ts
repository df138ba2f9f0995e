/**
 * How the page comes to know who looks at it: a link with a code, and the session that comes of it.
 *
 * @internal
 */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { LinkSpent, NotPermitted, NotProvided } from "./ApiError.js"
import type * as Model from "./ApiModel.js"
import { HealingApi } from "./HealingApi.js"
import { type Caller, CurrentCaller, isAllowed, Right } from "./Rights.js"
import type { Sessions } from "./Sessions.js"

/**
 * - `url`: where the page is reached over TCP, as soon as it is.
 *
 * @internal
 */
export interface PageLinks {
  readonly sessions: Sessions
  readonly url: Effect.Effect<string>
}

const noPort = new NotProvided({
  service: "http.port",
  message:
    "There is no port on which a browser could reach the page: set http.port (under PM2: pm2 set effect-healing:http_port 9877). An app that mounts the API knows by itself who looks at the page."
})

const socketOnly = new NotPermitted({
  needs: "the Unix socket",
  message: "A link to the page is only made over the Unix socket, by effect-healing open: nothing was done"
})

const spent = new LinkSpent({
  message: "This link was used before, or is older than two minutes: effect-healing open prints another one"
})

const told = (caller: Caller): Model.ApiCaller => ({
  name: caller.name,
  door: caller.door,
  rights: Right.literals.filter((right) => isAllowed(caller, right))
})

/** @internal */
export const layer = (links: PageLinks | undefined) =>
  HttpApiBuilder.group(HealingApi, "page", (handlers) =>
    handlers
      .handle("caller", () => Effect.map(CurrentCaller, told))
      .handle("link", () =>
        Effect.gen(function* () {
          if (links === undefined) return yield* noPort
          const caller = yield* CurrentCaller
          // A session would otherwise live as long as those that it makes, and outlive the token that it came by.
          if (caller.door !== "socket") return yield* socketOnly
          const { code, until } = yield* links.sessions.link(caller)
          return { url: `${yield* links.url}/page#code=${code}`, until }
        })
      )
      .handle("open", ({ payload }) =>
        Effect.gen(function* () {
          if (links === undefined) return yield* noPort
          const opened = yield* links.sessions.open(payload.code)
          if (Option.isNone(opened)) return yield* spent
          const { caller, session } = opened.value
          return { session: Redacted.value(session), caller: told(caller) }
        })
      )
  )
