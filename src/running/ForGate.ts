/**
 * What the gate needs of the running state beyond its public face.
 *
 * @internal
 */
import type * as Stream from "effect/Stream"
import type * as Subscribable from "effect/Subscribable"
import type { RunningState } from "./RunningState.js"

/**
 * - `everyChange`: all changes, without the fiber and the queue that conflate them: the gate is quick.
 * - `of`: what the marks of being inside one of its jobs bear (R9).
 *
 * @internal
 */
export interface ForGate {
  readonly everyChange: Stream.Stream<RunningState>
  readonly of: object
}

/**
 * Under this symbol each running state carries it, and `OpenClaw` that of the configured queue. A member travels with a service that
 * somebody has wrapped (`{ ...service }`).
 *
 * @internal
 */
export const forGate: unique symbol = Symbol.for("effect-healing/OpenClaw/ForGate")

/**
 * What carries it. To those outside of the package the interface is empty.
 */
export interface HasForGate {
  /** @internal */
  readonly [forGate]: ForGate
}

/**
 * What the gate goes by: what its running state carries, or else what the service carries whose running state somebody has wrapped.
 * A service that somebody has made by hand carries neither, and does with what everybody sees.
 *
 * @internal
 */
export const forGateOf = (
  openClaw: Partial<HasForGate> & { readonly running: Subscribable.Subscribable<RunningState> & Partial<HasForGate> }
): ForGate =>
  openClaw.running[forGate] ?? openClaw[forGate] ?? { everyChange: openClaw.running.changes, of: openClaw.running }
