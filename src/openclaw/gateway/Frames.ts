/**
 * The frames of the gateway's protocol, version 4, and the fields of them that we keep. Titles, prompts and sessions stand in many of
 * them, so that a frame is decoded only where a field of it is needed.
 *
 * The frames were recorded with OpenClaw 2026.9.6. Its documentation: https://docs.openclaw.ai/gateway/protocol
 *
 * @internal
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { lenient } from "../../internal/Lenient.js"

/** @internal */
export const PROTOCOL = 4

/** Words of the protocol. Nothing that a person has written fits. */
const Word = Schema.String.pipe(Schema.pattern(/^[\w.:-]{1,64}$/))

const option = <A, I>(schema: Schema.Schema<A, I>) => Schema.decodeUnknownOption(schema)

/**
 * What a program says of itself in `connect`. The gateway refuses other identifiers than its own; that of its clients without a device is
 * `gateway-client`.
 *
 * @internal
 */
export const connectParams = (version: string, token: string | undefined): object => ({
  minProtocol: PROTOCOL,
  maxProtocol: PROTOCOL,
  client: { id: "gateway-client", version, platform: process.platform, mode: "backend" },
  role: "operator",
  scopes: ["operator.read"],
  caps: [],
  ...(token !== undefined && { auth: { token } })
})

/**
 * The answer to `connect`.
 *
 * - `bootId`: another one for each life of the gateway.
 * - `methods`: what it can be asked; none if it does not say.
 * - `uptime`: for how long it has been up, in milliseconds.
 * - `tick`: how often it says that it lives, in milliseconds.
 *
 * @internal
 */
export interface Hello {
  readonly bootId: string | undefined
  readonly methods: ReadonlySet<string> | undefined
  readonly uptime: number | undefined
  readonly tick: number
}

const DEFAULT_TICK = 30_000

const HelloOk = Schema.Struct({
  type: Schema.Literal("hello-ok"),
  server: lenient(Schema.Struct({ bootId: Schema.String })),
  features: lenient(Schema.Struct({ methods: Schema.Array(Schema.String) })),
  snapshot: lenient(Schema.Struct({ uptimeMs: Schema.NonNegative })),
  policy: lenient(Schema.Struct({ tickIntervalMs: Schema.Number.pipe(Schema.between(1000, 600_000)) }))
})

/** @internal */
export const helloOf = (payload: unknown): Option.Option<Hello> =>
  Option.map(option(HelloOk)(payload), ({ features, policy, server, snapshot }) => ({
    bootId: server?.bootId,
    methods: features && new Set(features.methods),
    uptime: snapshot?.uptimeMs,
    tick: policy?.tickIntervalMs ?? DEFAULT_TICK
  }))

const Refusal = Schema.Struct({
  code: lenient(Word),
  retryAfterMs: lenient(Schema.NonNegative),
  details: lenient(Schema.Struct({ code: lenient(Word), reason: lenient(Word) }))
})

/**
 * Why a question was not answered, in the words of the protocol. The message of the gateway is left out: it may quote anything.
 *
 * @internal
 */
export interface Refused {
  readonly code: string
  readonly retryAfter: number | undefined
}

/** @internal */
export const refusalOf = (error: unknown): Refused =>
  Option.match(option(Refusal)(error), {
    onNone: () => ({ code: "an unknown error", retryAfter: undefined }),
    onSome: ({ code, details, retryAfterMs }) => ({
      code: details?.code ?? details?.reason ?? code ?? "an unknown error",
      retryAfter: retryAfterMs
    })
  })

/** @internal */
export type Frame =
  | { readonly type: "event"; readonly event: string; readonly payload: () => unknown }
  | { readonly type: "res"; readonly id: string; readonly ok: boolean; readonly payload: unknown }

const Envelope = Schema.Union(
  Schema.Struct({ type: Schema.Literal("event"), event: Schema.String, payload: Schema.optional(Schema.Unknown) }),
  Schema.Struct({
    type: Schema.Literal("res"),
    id: Schema.String,
    ok: Schema.Boolean,
    payload: Schema.optional(Schema.Unknown),
    error: Schema.optional(Schema.Unknown)
  })
)

const decodeEnvelope = option(Schema.parseJson(Envelope))

/** How the gateway writes events: by their name it is seen which of them are to be decoded. Those of a run come many times a second. */
const EVENT = /^\{"type":"event","event":"([\w.:-]{1,64})"/

/**
 * A frame, or none if it is not one. The payload of a refusal is its `error`.
 *
 * @internal
 */
export const frameOf = (text: string): Option.Option<Frame> => {
  const event = EVENT.exec(text)?.[1]
  if (event !== undefined) return Option.some({ type: "event", event, payload: () => payloadOf(text) })
  return Option.map(decodeEnvelope(text), (frame) => {
    if (frame.type === "event") return { type: "event", event: frame.event, payload: () => frame.payload }
    const { id, ok } = frame
    return { type: "res", id, ok, payload: ok ? frame.payload : frame.error }
  })
}

const payloadOf = (text: string): unknown =>
  Option.getOrUndefined(Option.map(decodeEnvelope(text), (frame) => frame.payload))

const Preflight = Schema.Struct({ counts: Schema.Struct({ totalActive: Schema.NonNegative }) })

/**
 * How much the gateway has to do, `rootRequests` included; none if the answer does not say.
 *
 * @internal
 */
export const activeOf = (payload: unknown): Option.Option<number> =>
  Option.map(option(Preflight)(payload), ({ counts }) => counts.totalActive)

/** Of these the name is enough. */
const SIGNS: ReadonlySet<string> = new Set([
  "agent",
  "task",
  "chat",
  "heartbeat",
  "session.message",
  "session.tool",
  "shutdown",
  "gateway.suspension"
])

const Reason = Schema.Struct({ reason: Schema.optional(Schema.String) })

const Action = Schema.Struct({ action: Schema.optional(Schema.String) })

const NO_WORK: ReadonlySet<string | undefined> = new Set(["cron-binding", "cron-bindings-loaded"])

const NO_RUN: ReadonlySet<string | undefined> = new Set(["added", "updated", "removed", "scheduled"])

/**
 * Whether an event shows that the gateway works now. No event shows that it does not.
 *
 * @internal
 */
export const isSign = (event: string, payload: () => unknown): boolean => {
  if (SIGNS.has(event)) return true
  if (event === "sessions.changed")
    return !Option.exists(option(Reason)(payload()), ({ reason }) => NO_WORK.has(reason))
  return event === "cron" && !Option.exists(option(Action)(payload()), ({ action }) => NO_RUN.has(action))
}
