/**
 * The port of those who run jobs: which jobs there are, what happens to them, and what is known about them.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { HealingConfigError } from "../HealingError.js"
import { forkBounded } from "../internal/Interruption.js"
import { OpenClaw } from "../running/OpenClaw.js"
import { HealingConfig } from "../settings/HealingConfig.js"
import type { Adapter } from "./Adapter.js"
import { feed, feedQuotas } from "./Feeding.js"
import * as Merging from "./Merging.js"
import { sourcesOf } from "./Sources.js"

export { Activity } from "./Activity.js"
export type { Adapter } from "./Adapter.js"
export { JobEvent, RunEvent } from "./JobEvent.js"
export { JobInfo } from "./JobInfo.js"

/**
 * What an adapter to a supervisor implements.
 *
 * - `jobs`: those that there are now. It is asked again each minute, and in the turn of each review.
 * - `activity`: which OpenClaw jobs run. Each element is the whole truth: the first one tells how it stands, and one more
 *   comes after each change. An adapter that loses its supervisor says `Unknown`, and `Known` again when it has asked it
 *   anew. It never ends. Without OpenClaw jobs it is `Stream.concat(Stream.succeed(Activity.Known({ running: [] })), Stream.never)`.
 * - `events`: what happens to jobs from now on that may be worth a review; each of them once. A run that was ended on purpose
 *   has not failed. It never ends; what it cannot keep for a slow reader it drops. Without events it is `Stream.never`.
 * - `runs`: each start and each end of a run from now on, good ones too; each of them once. First it tells what runs now, and since when. It
 *   never ends; what it cannot keep for a slow reader it drops. By it the changes of suggestions are judged.
 * - `evidence`: what is known about one of the jobs, asked for in the turn of its review, and after a failure.
 * - `restart`: restarts one of the jobs that `canRestart`, with the environment that it has. It is left out where the supervisor cannot, and
 *   only ever called for what a person has allowed.
 * - `ownPaths` (none): the absolute paths of the supervisor's own files and folders, which no suggestion may change.
 * - `quotas` (none): what is left of the quotas of the providers of models, for one that hears of them: each element is the whole truth.
 *
 * The streams may be run more than once at a time. Everything may be interrupted. `jobs` and `evidence` fail with a
 * `SupervisorError` if the supervisor does not answer, `evidence` also if it has no such job.
 *
 * `supervisorContract` of `effect-healing/testing` holds an adapter to all of this.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Stream } from "effect"
 * import { Activity, Supervisor } from "effect-healing"
 *
 * /** Anew whenever one of them starts or ends. *\/
 * declare const running: Stream.Stream<ReadonlyArray<string>>
 *
 * declare const failedRuns: Stream.Stream<string>
 *
 * declare const endedRuns: Stream.Stream<{
 *   readonly runId: string
 *   readonly startedAt: number
 *   readonly at: number
 *   readonly outcome: "succeeded" | "failed"
 * }>
 *
 * const SupervisorLive = Layer.succeed(Supervisor, {
 *   jobs: Effect.succeed([{ id: "nightly-digest", kind: "cron", openClaw: true, policy: {} }]),
 *   activity: Stream.map(running, (running) => Activity.Known({ running })),
 *   events: Stream.map(failedRuns, (runId) => ({ job: "nightly-digest", trigger: "failure", runId, exitCode: 1 })),
 *   runs: Stream.map(endedRuns, (run) => ({ _tag: "Ended", job: "nightly-digest", ...run })),
 *   evidence: () =>
 *     Effect.succeed({
 *       command: "node digest.js",
 *       runs: [{ id: "7", outcome: "failed", startedAt: 1_763_900_000_000, endedAt: 1_763_900_004_000, exitCode: 1 }],
 *       slaBreaches: [],
 *       logs: [{ name: "stderr", path: "/var/log/digest.err.log" }],
 *       files: [{ path: "/srv/digest.js", role: "script" }]
 *     })
 * })
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Supervisor extends Context.Tag("effect-healing/Supervisor")<Supervisor, Adapter>() {
  /**
   * Feeds the activity into the running state, as a source named `supervisor`, or by the name that an adapter of this package has: unknown,
   * and thereby busy, until the first element, after the stream has ended or broken until the first element of another try, and when this
   * layer closes (R16). The tries follow after a second, two, four, up to a minute. Another one that is built over the same running state
   * takes its place. Of what `merge` has joined, each is a source of its own.
   *
   * @since 0.1.0
   */
  static readonly layerActivity: Layer.Layer<never, never, Supervisor | OpenClaw> = Layer.scopedDiscard(
    Effect.gen(function* () {
      const supervisor = yield* Supervisor
      const openClaw = yield* OpenClaw
      const settings = yield* Effect.serviceOption(HealingConfig)
      const shutdownTimeout = Option.match(settings, { onNone: () => SHUTDOWN, onSome: (own) => own.shutdownTimeout })
      for (const { activity, name, quotas } of sourcesOf(supervisor)) {
        // It breaks off and does not end: a layer that closes, as at a shutdown, never opens the gate.
        const scope = yield* Effect.acquireRelease(Scope.make(), (scope) =>
          Scope.close(scope, Exit.interrupt(FiberId.none))
        )
        const source = yield* Scope.extend(openClaw.source(name), scope)
        yield* forkBounded(`The activity of the ${name}`, shutdownTimeout)(feed(activity, source))
        if (quotas !== undefined) {
          yield* forkBounded(`The quotas of the ${name}`, shutdownTimeout)(feedQuotas(quotas, source))
        }
      }
    })
  )

  /**
   * Joins supervisors into one. Each has a prefix that all its jobs carry, `procclaw:inbox`, and one of them may have none. Each is a source of
   * its own in the running state, named by its prefix.
   *
   * - `layers`: their layers by their prefixes, of 1 to 32 letters, digits, `-` and `_`; by `""` the one whose jobs keep their names.
   *
   * The layer fails with `HealingConfigError` if a prefix is none. A job without a prefix whose name could be that of another one, such as
   * `procclaw:inbox` beside the prefix `procclaw`, is refused: it is not reviewed, and a warning names it. So is one whose name is too long
   * with its prefix. While it runs it holds reviews up all the same.
   *
   * `jobs` fails while one of them does not answer. So nothing is reviewed then, as nothing is while one does not know what runs.
   *
   * @example
   * ```ts
   * import { NodeSocket } from "@effect/platform-node"
   * import { Layer } from "effect"
   * import { JobRegistry, Supervisor } from "effect-healing"
   * import { OpenClawGateway } from "effect-healing/openclaw"
   * import { Pm2 } from "effect-healing/pm2"
   *
   * export const SupervisorLive = Supervisor.merge({
   *   "": Pm2.layer(),
   *   app: JobRegistry.layer,
   *   gateway: OpenClawGateway.layer()
   * }).pipe(Layer.provide(NodeSocket.layerWebSocketConstructor))
   * ```
   *
   * @since 0.1.0
   */
  static readonly merge = <const Layers extends Readonly<Record<string, Layer.Layer<Supervisor, unknown, unknown>>>>(
    layers: Layers
  ): MergedLayer<Layers> =>
    // Each of them fails with and needs a part of that, and the layer provides what each of them does, which `join` does not say.
    join(layers as AllOf<Layers>) as MergedLayer<Layers>
}

/** The supervisors that are being joined. */
class Parts extends Context.Tag("effect-healing/Supervisor/Parts")<Parts, ReadonlyArray<Merging.Part>>() {}

/** Layer by layer, so that one that stands elsewhere as well is built once. */
const join = <E, R>(
  layers: Readonly<Record<string, Layer.Layer<Supervisor, E, R>>>
): Layer.Layer<Supervisor, E | HealingConfigError, R> => {
  const none: Layer.Layer<Parts, E, R> = Layer.succeed(Parts, [])
  const joined = Object.entries(layers).reduce(
    (all, [prefix, one]) =>
      Layer.zipWith(all, one, (left, right) => {
        const part = { prefix, adapter: Context.get(right, Supervisor) }
        return Context.add(Context.merge(left, right), Parts, [...Context.get(left, Parts), part])
      }),
    none
  )
  const merged = Layer.map(joined, (context) =>
    Context.add(Context.omit(Parts)(context), Supervisor, Merging.make(Context.get(context, Parts)))
  )
  return Layer.unwrapEffect(Effect.as(Merging.checkPrefixes(Object.keys(layers)), merged))
}

/**
 * The layer of supervisors that were joined: what each of them provides, fails with and needs.
 *
 * @since 0.1.0
 * @category models
 */
export type MergedLayer<Layers extends Readonly<Record<string, Layer.Layer<never, unknown, unknown>>>> = Layer.Layer<
  SuccessOf<Layers[keyof Layers]> | Supervisor,
  ErrorOf<Layers[keyof Layers]> | HealingConfigError,
  ContextOf<Layers[keyof Layers]>
>

/** One by one: of a union of layers, those of `Layer` would infer what all of them have in common. */
type SuccessOf<Each> = Each extends Layer.Layer<infer A, infer _E, infer _R> ? A : never
type ErrorOf<Each> = Each extends Layer.Layer<infer _A, infer E, infer _R> ? E : never
type ContextOf<Each> = Each extends Layer.Layer<infer _A, infer _E, infer R> ? R : never

type AllOf<Layers> = Readonly<
  Record<string, Layer.Layer<Supervisor, ErrorOf<Layers[keyof Layers]>, ContextOf<Layers[keyof Layers]>>>
>

const SHUTDOWN = Duration.seconds(10)
