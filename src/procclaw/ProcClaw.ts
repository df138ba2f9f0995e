/**
 * ProcClaw as the supervisor.
 *
 * @since 0.1.0
 */
import { isAbsolute } from "node:path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { HealingConfigError } from "../HealingError.js"
import * as Durations from "../internal/Durations.js"
import { expecting, optional, withDefault } from "../internal/Input.js"
import { decodeOptions } from "../internal/Options.js"
import * as TimeZone from "../policy/TimeZone.js"
import { JobName } from "../request/HealingRequest.js"
import { Supervisor } from "../supervisor/Supervisor.js"
import * as Home from "./Home.js"
import * as Machine from "./Machine.js"
import * as Watch from "./Watch.js"

/**
 * How ProcClaw is found, and which of its jobs are OpenClaw jobs.
 *
 * - `url` ("http://127.0.0.1:9876"): where its API listens.
 * - `token` (none): that of its `api.auth`, if it has one. It is sent to the API, and nowhere else.
 * - `home`: the absolute path of its folder, if that is on this machine; by default `~/.procclaw`, if the API listens on this machine and that
 *   folder names the same port.
 * - `timeZone` (that of the machine): by which it writes its times, such as "America/Sao_Paulo".
 * - `interval` ("5 seconds"): how often it is looked at, beside whenever its audit log grows; 1 second to 1 hour.
 * - `openClaw` (none): the names of jobs that call OpenClaw although their type is not `openclaw`.
 * - `exclude` (none): the names of jobs that are not reviewed. Those of them that are OpenClaw jobs still hold reviews up.
 * - `suspectAfter` ("10 minutes"): for how long a job may run by ProcClaw's word alone before a warning names it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ProcClawOptions {
  readonly url?: string | undefined
  readonly token?: Redacted.Redacted<string> | undefined
  readonly home?: string | undefined
  readonly timeZone?: string | undefined
  readonly interval?: Duration.DurationInput | undefined
  readonly openClaw?: ReadonlyArray<string> | undefined
  readonly exclude?: ReadonlyArray<string> | undefined
  readonly suspectAfter?: Duration.DurationInput | undefined
}

/**
 * The `Supervisor` of the jobs of a ProcClaw daemon, over its API. It is a source of its own in the running state, named `procclaw`.
 *
 * - A job runs as long as one of its processes lives, where that can be seen: on Linux, when the daemon runs as the same user on the
 *   same machine. ProcClaw's own word is not enough, since an agent works on after a stop, a disable, a pause, or the death of the daemon.
 *   Elsewhere it runs as long as one of the signs says so that there are: its status, an open run, a fresh heartbeat, or a stop less than 7
 *   seconds ago; and while the API does not answer, what runs is unknown, and thereby busy (R16).
 * - A run that fails is a `failure`, one that took too long or began too late is an `sla_breach` if the job has `sla.enabled`. Each is told once,
 *   also what has happened while this process or the daemon was down, if `home` can be written to. A stop is no failure, and neither is an end
 *   that ProcClaw records with -15, by which it also means what it has lost sight of.
 * - A policy is what its `self_healing` says: `reactive` is reviewed when it fails, `proactive` by its `review_schedule`. Whether
 *   `self_healing` is enabled does not matter: that is ProcClaw's own healing, and a warning names the jobs for which it is on as well.
 * - Evidence holds the command line, up to 200 runs, the ends of the logs, the prompt, and SLA breaches. The configuration of jobs, in which
 *   their environments and tokens stand, is never asked for.
 * - A job that is `continuous` can be restarted. ProcClaw may stop one and not start it: then the `SupervisorError` says so.
 *
 * The layer fails with `HealingConfigError` if an option is wrong. `jobs`, `evidence` and `restart` fail with a `SupervisorError` if the API does
 * not answer within 3 seconds. Questions are asked one at a time. Looking has a side effect: ProcClaw notices the end of a job when it
 * is asked.
 *
 * Tried with ProcClaw 0.1.0, by recordings: https://github.com/marcosgabbardo/Procclaw.
 *
 * @example
 * ```ts
 * import { Redacted } from "effect"
 * import { ProcClaw } from "effect-healing/procclaw"
 *
 * export const SupervisorLive = ProcClaw.layer({
 *   token: Redacted.make("the token of the API"),
 *   openClaw: ["nightly-backup"]
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const ProcClaw: {
  readonly layer: (options?: ProcClawOptions) => Layer.Layer<Supervisor, HealingConfigError>
} = {
  layer: (options = {}) =>
    Layer.scoped(
      Supervisor,
      Effect.flatMap(accept(options), ({ exclude, home, interval, openClaw, suspectAfter, timeZone, token, url }) => {
        const address = new URL(url)
        const folder = home ?? Home.ofThisUser(address)
        return Watch.make({
          url: address,
          token,
          home: folder,
          machine: folder === undefined ? undefined : Machine.real(folder),
          timeZone,
          interval: Duration.toMillis(interval),
          suspectAfter: Duration.toMillis(suspectAfter),
          openClaw: new Set(openClaw),
          exclude: new Set(exclude)
        })
      })
    )
}

const isAddress = (url: string): boolean => {
  const address = URL.canParse(url) ? new URL(url) : undefined
  // `fetch` takes none with a user in it.
  return (
    address !== undefined && /^https?:$/.test(address.protocol) && address.username === "" && address.password === ""
  )
}

const names = expecting("a list of at most 1000 names of jobs")(Schema.Array(JobName).pipe(Schema.maxItems(1000)))

const Options = Schema.Struct({
  url: withDefault(
    expecting('a URL with http: or https:, without a user, such as "http://127.0.0.1:9876"')(
      Schema.String.pipe(Schema.filter(isAddress))
    ),
    () => "http://127.0.0.1:9876"
  ),
  token: optional(expecting("a Redacted token")(Schema.RedactedFromSelf(Schema.NonEmptyString))),
  home: optional(expecting("the absolute path of a folder")(Schema.String.pipe(Schema.filter(isAbsolute)))),
  timeZone: withDefault(
    expecting('the name of a time zone, such as "Europe/Berlin"')(Schema.String.pipe(Schema.filter(TimeZone.exists))),
    TimeZone.machine
  ),
  interval: withDefault(
    expecting("a duration of 1 second to 1 hour")(
      Durations.inCode.finite.pipe(
        Schema.filter((duration) => Duration.between(duration, { minimum: "1 second", maximum: "1 hour" }))
      )
    ),
    () => Duration.seconds(5)
  ),
  openClaw: withDefault(names, () => []),
  exclude: withDefault(names, () => []),
  suspectAfter: withDefault(expecting("a finite duration")(Durations.inCode.finite), () => Duration.minutes(10))
})

const accept = decodeOptions("ProcClaw.layer", Options, Object.keys(Options.fields))
