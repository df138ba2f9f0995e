/**
 * Does to the real service what a schedule says, and sees what can be seen of it.
 *
 * All of its fibers run on a scheduler and a clock of their own, in one thread of control: nothing happens but what the
 * driver lets happen, so that a schedule always runs in the same way, and no test ever sleeps. (TestClock would do it with
 * a real timer for each step, and keeps the sleeps of fibers that were interrupted.)
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import type * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import * as Supervisor from "effect/Supervisor"
import {
  Healing,
  HealingClosed,
  HealingDeadlock,
  HealingService,
  HealingTimeout,
  type HeldBy,
  OpenClaw,
  type Source
} from "effect-healing"
import * as Model from "./GateModel.js"
import { got, SteppedClock, SteppedScheduler } from "./Stepped.js"

/** Knows every fiber that has not ended. */
class Census extends Supervisor.AbstractSupervisor<void> {
  readonly fibers = new Set<unknown>()
  readonly value = Effect.void

  override onStart<A, E, R>(
    _context: Context.Context<R>,
    _effect: Effect.Effect<A, E, R>,
    _parent: Option.Option<Fiber.RuntimeFiber<unknown, unknown>>,
    fiber: Fiber.RuntimeFiber<A, E>
  ): void {
    this.fibers.add(fiber)
  }

  override onEnd<A, E>(_exit: Exit.Exit<A, E>, fiber: Fiber.RuntimeFiber<A, E>): void {
    this.fibers.delete(fiber)
  }
}

/** In whose name healings are interrupted here. */
const INTERRUPTER = FiberId.unsafeMake()

class Boom {
  readonly _tag = "Boom"
  constructor(readonly turn: string) {}
}

class Defect {
  constructor(readonly turn: string) {}
}

type HealingError = Boom | HealingTimeout | HealingDeadlock | HealingClosed

type Body = Effect.Effect<string, Boom>

/** The body of one turn of a review, or of a job: it does nothing but what it is told. */
class Puppet {
  private told = Deferred.unsafeMake<Body>(FiberId.none)
  private readonly released = Deferred.unsafeMake<void>(FiberId.none)

  constructor(private readonly turn: string) {}

  readonly body: Body = Effect.suspend(() => {
    this.told = Deferred.unsafeMake<Body>(FiberId.none)
    return Effect.flatten(Deferred.await(this.told))
  })

  readonly finalizer: Effect.Effect<void> = Deferred.await(this.released)

  tell(what: Effect.Effect<void>): void {
    Deferred.unsafeDone(this.told, Effect.succeed(Effect.zipRight(what, this.body)))
  }

  end(how: (turn: string) => Body): void {
    Deferred.unsafeDone(this.told, Effect.succeed(how(this.turn)))
  }

  release(): void {
    Deferred.unsafeDone(this.released, Effect.void)
  }
}

const heldBy = (held: HeldBy): Model.HeldBy => {
  switch (held._tag) {
    case "Disabled":
      return { _tag: "Disabled" }
    case "Jobs":
      return { _tag: "Jobs", jobs: [...held.jobs].sort() }
    case "UnknownSources":
      return { _tag: "UnknownSources", sources: held.sources.map(({ name }) => name).sort() }
    case "QuietPeriod":
      return { _tag: "QuietPeriod", remaining: Duration.toMillis(held.remaining) }
    case "Turn":
      return { _tag: "Turn", reviews: [...held.reviews].sort() }
    default:
      throw new Error(`Nothing that a call of run waits for: ${held._tag}`)
  }
}

const tags: ReadonlyArray<HeldBy["_tag"]> = ["Disabled", "UnknownSources", "Jobs", "QuietPeriod", "Turn"]

const allHeldBy = (held: ReadonlyArray<HeldBy>): ReadonlyArray<Model.HeldBy> =>
  held.map(heldBy).sort((a, b) => tags.indexOf(a._tag) - tags.indexOf(b._tag))

const outcomeOf = (exit: Exit.Exit<string, HealingError>): Model.Outcome => {
  if (Exit.isSuccess(exit)) return { _tag: "Success", turn: exit.value }
  if (HashSet.has(Cause.interruptors(exit.cause), INTERRUPTER)) return { _tag: "Interrupted" }
  // The interruption by which the gate wanted to make it yield may stand beside it, if the review has failed before.
  const error = Cause.squash(exit.cause)
  if (error instanceof Boom) return { _tag: "Failure", turn: error.turn }
  if (error instanceof Defect) return { _tag: "Defect", turn: error.turn }
  if (error instanceof HealingClosed) return { _tag: "HealingClosed" }
  if (error instanceof HealingDeadlock) return { _tag: "HealingDeadlock", inside: error.inside, name: error.outer }
  if (error instanceof HealingTimeout) {
    const { ahead, heldBy, waited } = error
    return { _tag: "HealingTimeout", waited: Duration.toMillis(waited), heldBy: allHeldBy(heldBy), ahead }
  }
  throw error
}

/**
 * The real service under these settings. With a small `budget`, each fiber lets the others run after so many steps, which
 * opens windows that are closed otherwise.
 */
export const make = (settings: Model.Settings, budget: number, start: number) => {
  const scheduler = new SteppedScheduler()
  const clock = new SteppedClock(start)
  const census = new Census()

  const runtime = Effect.runSync(
    Effect.runtime<never>().pipe(
      Effect.supervised(census),
      Effect.withClock(clock),
      Effect.withScheduler(scheduler),
      Logger.withMinimumLogLevel(LogLevel.None)
    )
  )

  const fork = Runtime.runFork(Runtime.setFiberRef(runtime, FiberRef.currentMaxOpsBeforeYield, budget))
  const forkWhole = Runtime.runFork(runtime)

  /**
   * For what never waits for anybody, such as a report (R3): no other fiber runs meanwhile. (`runSync` would leave its own
   * scheduler behind in finalizers.)
   */
  const now = <A, E>(effect: Effect.Effect<A, E>): A => {
    const fiber = forkWhole(effect)
    scheduler.run(undefined, fiber)
    return got(fiber)
  }

  const layerScope = Effect.runSync(Scope.make())
  const building = fork(
    Layer.buildWithScope(
      Healing.layer({ settings: { ...settings, quietPeriod: Duration.millis(settings.quietPeriod) } }),
      layerScope
    )
  )
  scheduler.run()
  const built = got(building)
  const healing = Context.get(built, HealingService)
  const openClaw = Context.get(built, OpenClaw)

  const sources = new Map<string, { readonly source: Source; readonly scope: Scope.CloseableScope }>()
  const puppets = new Map<string, Puppet>()
  const fibers = new Map<string, Fiber.RuntimeFiber<string, HealingError>>()
  const daemons = new Map<string, Deferred.Deferred<void>>()
  const outcomes: Record<string, Model.Outcome> = {}
  const turns: Record<string, number> = {}
  const executing = new Set<string>()
  // What a review itself has seen go wrong: thrown in there, it would be the service's to handle.
  const alarms: Array<string> = []
  let begun = 0

  const reporter = (name: string): Pick<Source, "started" | "finished"> => sources.get(name)?.source ?? openClaw

  /** What must be so at the first instruction of a review. */
  const checkStart = ({ id, maxWait }: Model.Call, calledAt: number): void => {
    if (executing.size > settings.maxConcurrent) alarms.push(`R1: ${[...executing].join(", ")} run at once`)
    const { idleSince } = now(openClaw.running.get)
    const isIdle = idleSince !== undefined && idleSince + settings.quietPeriod <= clock.unsafeCurrentTimeMillis()
    const isOverdue =
      settings.onMaxWait === "run" && turns[id] === 1 && calledAt + maxWait <= clock.unsafeCurrentTimeMillis()
    if (!settings.enabled || !(isIdle || isOverdue)) alarms.push(`R2: ${id} has started too early`)
  }

  const review = (call: Model.Call, calledAt: number): Body =>
    Effect.suspend(() => {
      begun += 1
      turns[call.id] = (turns[call.id] ?? 0) + 1
      executing.add(call.id)
      checkStart(call, calledAt)
      if (call.begins !== "idly") now(openClaw.started(Model.OWN_JOB))
      if (call.begins === "withBlip") now(openClaw.finished(Model.OWN_JOB))
      const puppet = new Puppet(Model.turnOf({ id: call.id, turns: turns[call.id] ?? 0 }))
      puppets.set(call.id, puppet)
      return puppet.body.pipe(
        Effect.ensuring(call.slow ? puppet.finalizer : Effect.void),
        Effect.ensuring(Effect.sync(() => executing.delete(call.id)))
      )
    })

  const run = (call: Model.Call): Effect.Effect<string, HealingError> =>
    Effect.suspend(() =>
      healing.run(call.id, { priority: call.priority, maxWait: Duration.millis(call.maxWait) })(
        review(call, clock.unsafeCurrentTimeMillis())
      )
    )

  const noteOutcome = (id: string, exit: Exit.Exit<string, HealingError>): void => {
    outcomes[id] = outcomeOf(exit)
  }

  const watch = (id: string, fiber: Fiber.RuntimeFiber<string, HealingError>): void => {
    fibers.set(id, fiber)
    fiber.addObserver((exit) => noteOutcome(id, exit))
  }

  const forkInside = (id: string, effect: Effect.Effect<string, HealingError>): Effect.Effect<void> =>
    Effect.map(Effect.forkDaemon(effect), (fiber) => watch(id, fiber))

  const puppet = (name: string): Puppet => {
    const found = puppets.get(name)
    if (found === undefined) throw new Error(`${name} does not run`)
    return found
  }

  const closeSource = (name: string, exit: Exit.Exit<unknown, unknown>): void => {
    const found = sources.get(name)
    if (found !== undefined) now(Scope.close(found.scope, exit))
    sources.delete(name)
  }

  /** Does it at once, and lets nobody else do anything, but for timers that go off before. */
  const perform = (event: Model.Event): void => {
    switch (event._tag) {
      case "Started":
        now(reporter(event.source).started(event.job))
        break
      case "Finished":
        now(reporter(event.source).finished(event.job))
        break
      case "Make": {
        const scope = now(Scope.make())
        sources.set(event.source, { scope, source: now(Scope.extend(openClaw.source(event.source), scope)) })
        break
      }
      case "Replace":
        now(sources.get(event.source)?.source.replace(event.jobs) ?? Effect.void)
        break
      case "Unknown":
        now(sources.get(event.source)?.source.unknown("lost") ?? Effect.void)
        break
      case "Close":
        closeSource(event.source, Exit.void)
        break
      case "Break":
        closeSource(event.source, event.by === "failure" ? Exit.fail("broken") : Exit.interrupt(INTERRUPTER))
        break
      case "Run":
        watch(event.call.id, fork(run(event.call)))
        break
      case "RunInside":
        puppet(event.host).tell(Effect.map(Effect.exit(run(event.call)), (exit) => noteOutcome(event.call.id, exit)))
        break
      case "RunDetached":
        puppet(event.host).tell(forkInside(event.call.id, healing.detached(run(event.call))))
        break
      case "ForkDaemon": {
        const woken = Deferred.unsafeMake<void>(FiberId.none)
        daemons.set(event.call.id, woken)
        puppet(event.host).tell(forkInside(event.call.id, Effect.zipRight(Deferred.await(woken), run(event.call))))
        break
      }
      case "WakeDaemon":
        Deferred.unsafeDone(daemons.get(event.id) ?? Deferred.unsafeMake<void>(FiberId.none), Effect.void)
        break
      case "Succeed":
        puppet(event.id).end((turn) => Effect.succeed(turn))
        break
      case "Fail":
        puppet(event.id).end((turn) => Effect.fail(new Boom(turn)))
        break
      case "Die":
        puppet(event.id).end((turn) => Effect.die(new Defect(turn)))
        break
      case "Interrupt":
        fibers.get(event.id)?.unsafeInterruptAsFork(INTERRUPTER)
        break
      case "Release":
        puppet(event.id).release()
        break
      case "Hold": {
        const holder = new Puppet(event.job)
        puppets.set(event.job, holder)
        fork(openClaw.withJob(event.job)(holder.body))
        break
      }
      case "LetGo":
        puppet(event.job).end((turn) => Effect.succeed(turn))
        break
      case "CloseLayer":
        fork(Scope.close(layerScope, Exit.void))
        break
      case "Advance":
        scheduler.run()
        for (let next = clock.timers[0]; next !== undefined && next < event.to; next = clock.timers[0]) {
          clock.jump(next)
          scheduler.run()
        }
        clock.jump(event.to)
        break
      case "Lag":
        clock.jump(event.to)
        break
    }
  }

  const view = (): Model.View => {
    const status = now(healing.status.get)
    const running = now(openClaw.running.get)
    const instant = clock.unsafeCurrentTimeMillis()
    if (alarms.length > 0) throw new Error(alarms.join("\n"))
    if (status.waiting !== status.line.length)
      throw new Error(`${status.waiting} wait, of them in line ${status.line.length}`)
    return {
      line: status.line.map(({ job, priority, waited, yields }) => ({
        id: job,
        priority,
        waited: Duration.toMillis(waited),
        yields
      })),
      running: status.running
        .map((row) => ({ id: row.job, since: instant - Duration.toMillis(row.running), yields: row.yields }))
        .sort((a, b) => (a.id < b.id ? -1 : 1)),
      executing: [...executing].sort(),
      heldBy: allHeldBy(status.heldBy),
      turns: { ...turns },
      outcomes: { ...outcomes },
      jobs: Object.fromEntries(HashMap.map(running.jobs, ({ instances, since }) => ({ instances, since }))),
      unknown: running.unknown.map(({ name }) => name).sort(),
      started: running.started,
      idleSince: running.idleSince,
      timers: clock.timers
    }
  }

  return {
    perform,
    /** Lets the service run: for so many tasks, or until it has come to rest. */
    run: (tasks?: number): void => scheduler.run(tasks),
    /** How many turns have begun so far. */
    turns: (): number => begun,
    view,
    /** How many fibers have not ended. */
    fibers: (): number => census.fibers.size
  }
}
