/**
 * Which processes are OpenClaw jobs, and which of those run.
 *
 * @internal
 */
import * as Option from "effect/Option"
import { type Process, UNKNOWN } from "./daemon/Payload.js"

/**
 * A name, or what it has to match.
 *
 * @since 0.1.0
 * @category models
 */
export type NamePattern = string | RegExp

/**
 * A regular expression as a text, also as JavaScript writes it, between slashes and with flags; none if it is not one.
 *
 * @internal
 */
export const pattern = Option.liftThrowable((source: string) => {
  const [, inner = source, flags] = /^\/(.+)\/([a-z]*)$/s.exec(source) ?? []
  return new RegExp(inner, flags)
})

/** @internal */
export const matcher = (pattern: NamePattern): ((name: string) => boolean) => {
  if (typeof pattern === "string") return (name) => name === pattern
  // These two flags would make it remember where it has found something.
  const stateless = new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ""))
  return (name) => stateless.test(name)
}

/**
 * The namespace of OpenClaw jobs, and the variable that marks one, unless others are named.
 *
 * @internal
 */
export const NAMESPACE = "openclaw"

/** @internal */
export const VARIABLE = "HEALING_OPENCLAW"

/** @internal */
export interface OpenClawRules {
  readonly namespace: string
  readonly isNamed: (name: string) => boolean
}

/**
 * What a process is to the running state.
 *
 * - `none`: it does not spend OpenClaw's tokens.
 * - `counts`: it runs OpenClaw while it is up.
 * - `always`: it would, but it is always up, and would keep every healing waiting for ever.
 *
 * @internal
 */
export const roleOf = (
  {
    autorestart,
    isModule,
    job,
    mark = "",
    namespace
  }: Pick<Process, "autorestart" | "isModule" | "job" | "mark" | "namespace">,
  { isNamed, namespace: ofOpenClaw }: OpenClawRules
): "none" | "counts" | "always" => {
  if (isModule) return "none"
  const said = mark.trim().toLowerCase()
  if (said === WHILE_UP) return "counts"
  if (["false", "0", "no", "off"].includes(said)) return "none"
  // Said in any other way it is taken for a yes: busy is the safe side.
  if (said === "" && namespace !== ofOpenClaw && !isNamed(job)) return "none"
  // One that is also started or restarted at a time is as long up as any other.
  return autorestart ? "always" : "counts"
}

/** @internal */
export const WHILE_UP = "while-up"

/**
 * Whether there is a process now, or will be at once. A process that has ended keeps its pid until it is clear that it is not
 * started again; one that could not be spawned is online without one. While PM2 waits to start it, it is down, and spends
 * nothing.
 *
 * @internal
 */
export const isUp = ({ autorestart, pid, status }: Pick<Process, "autorestart" | "pid" | "status">): boolean => {
  switch (status) {
    // PM2 does not say it: busy is the safe side.
    case UNKNOWN:
      return true
    case "stopping":
      return true
    case "waiting restart":
    case "errored":
      return false
    case "stopped":
      return pid !== null && autorestart
    default:
      return pid !== null
  }
}
