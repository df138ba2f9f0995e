/**
 * Who comes through a door, and what they may do.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as GlobalValue from "effect/GlobalValue"
import * as Schema from "effect/Schema"

/**
 * What somebody may do:
 *
 * - `read`: see everything but what stands in files of this machine.
 * - `heal`: ask for reviews.
 * - `cancel`: cancel them.
 * - `pause`: pause the queue, and let it go on.
 * - `decide`: look at what a suggestion would change, which shows the file, and approve it, reject it, or withdraw an approval.
 * - `apply`: have what was approved written.
 * - `rollback`: have it taken back.
 * - `stop`: stop all applications and let them go on; unlock jobs for rules.
 * - `notify`: have people told nothing of something for a time, and try the channels.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Right = Schema.Literal("read", "heal", "cancel", "pause", "decide", "apply", "rollback", "stop", "notify")

/**
 * @since 0.1.0
 * @category models
 */
export type Right = typeof Right.Type

/**
 * All rights, those to `read` only, a list of single ones, or none at all.
 *
 * @since 0.1.0
 * @category models
 */
export type Rights = "all" | "read" | "none" | ReadonlyArray<Right>

/**
 * Who asks, as the app knows it.
 *
 * - `name`: what is written down as `who` with each decision; 1 to 256 characters.
 * - `rights`: what they may do.
 *
 * @since 0.1.0
 * @category models
 */
export interface Access {
  readonly name: string
  readonly rights: Rights
}

/**
 * Who comes through a door.
 *
 * - `door`: which one: `socket`, `http`, `page`, or `app`. It is written down with each decision.
 * - `isStillAdmitted`: whether they would be let in again now. Streams of events ask it from time to time.
 *
 * @since 0.1.0
 * @category models
 */
export interface Caller extends Access {
  readonly door: string
  readonly isStillAdmitted: Effect.Effect<boolean>
}

/**
 * What is counted by it is counted of each caller alone: a name is only known within its door.
 *
 * @internal
 */
export const callerKey = ({ door, name }: Pick<Caller, "door" | "name">): string => JSON.stringify([door, name])

/**
 * Who has made the request that is being answered.
 *
 * @since 0.1.0
 * @category tags
 */
export class CurrentCaller extends Context.Tag("effect-healing/http/CurrentCaller")<CurrentCaller, Caller>() {}

/**
 * What a door says of its caller. Without a door it is nobody, who may do nothing.
 *
 * @internal
 */
export const calledBy: FiberRef.FiberRef<Caller | undefined> = GlobalValue.globalValue(
  "effect-healing/http/calledBy",
  () => FiberRef.unsafeMake<Caller | undefined>(undefined)
)

/**
 * The right that an endpoint needs. One without it can be used by nobody.
 *
 * @internal
 */
export class Needs extends Context.Tag("effect-healing/http/Needs")<Needs, Right | "nothing">() {}

/** @internal */
export const isAllowed = ({ rights }: Pick<Access, "rights">, right: Right): boolean => {
  if (rights === "all") return true
  if (rights === "none") return false
  return rights === "read" ? right === "read" : rights.includes(right)
}
