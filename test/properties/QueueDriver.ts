/**
 * Does to the real queue what a schedule says, and sees what can be seen of it.
 *
 * A database lives as long as the schedule; a life is one process that works on it. All fibers run on a scheduler and a
 * clock of their own.
 */
import { isDeepStrictEqual } from "node:util"
import { SqlClient } from "@effect/sql/SqlClient"
import { SqliteClient } from "@effect/sql-sqlite-node"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as HashSet from "effect/HashSet"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import {
  type HealError,
  HealingConfig,
  HealingQueue,
  type HealingRequest,
  HealingService,
  HealingStore,
  HealingStoreError,
  OpenClaw,
  type Review,
  ReviewError,
  Reviewed,
  Reviewer,
  type Submission
} from "effect-healing"
import { forScheduler } from "../../src/queue/ForScheduler.js"
import * as Model from "./QueueModel.js"
import { got, SteppedClock, SteppedScheduler } from "./Stepped.js"

/** In whose name callers are interrupted here. */
const INTERRUPTER = FiberId.unsafeMake()

/** One that runs; what it ends with. */
interface Puppet {
  readonly end: Deferred.Deferred<Reviewed, ReviewError>
}

const ending = (job: string, how: Model.Ending): Effect.Effect<Reviewed, ReviewError> => {
  switch (how._tag) {
    case "Completed":
      return Effect.succeed(Reviewed.Completed({ report: { summary: how.text } }))
    case "Skipped":
      return Effect.succeed(Reviewed.Skipped({ reason: how.text }))
    case "Never":
    case "Backoff":
      return Effect.fail(new ReviewError({ job, reason: how.text, retry: { _tag: how._tag } }))
    case "Die":
      return Effect.die(new Error(how.text))
    case "RateLimited":
      return Effect.fail(new ReviewError({ job, reason: how.text, retry: { _tag: "RateLimited", until: how.until } }))
  }
}

const outcomeOf = (exit: Exit.Exit<Review, HealError>): Model.Outcome => {
  if (Exit.isSuccess(exit)) {
    const { report, ...review } = exit.value
    return { _tag: "Review", ...review, report: report.summary }
  }
  if (HashSet.has(Cause.interruptors(exit.cause), INTERRUPTER)) return { _tag: "Interrupted" }
  const error = Cause.squash(exit.cause) as HealError
  switch (error._tag) {
    case "HealingTimeout":
      return { _tag: "HealingTimeout", waited: Duration.toMillis(error.waited) }
    case "HealingSkipped":
      return { _tag: "HealingSkipped", id: error.id, reason: error.reason }
    case "HealingCancelled":
      return { _tag: "HealingCancelled", id: error.id }
    case "ReviewError":
      return { _tag: "ReviewError", reason: error.reason }
    case "HealingClosed":
    case "HealingQueueFull":
      return { _tag: error._tag }
    default:
      throw error
  }
}

const submissionOf = (submission: Submission): Model.Submission =>
  submission._tag === "Accepted"
    ? { _tag: "Accepted", id: submission.id, notBefore: submission.notBefore }
    : { _tag: "Coalesced", id: submission.id }

const rowOf = (request: HealingRequest): Model.Row => Model.row({ ...request, report: request.report?.summary ?? null })

/** What stands in the database itself, whatever the queue says. */
const rowIn = (found: Readonly<Record<string, unknown>>) => ({
  id: `healing:${found.job}:${found.number}`,
  number: found.number,
  job: found.job,
  state: found.state,
  priority: found.priority,
  triggers: (JSON.parse(String(found.triggers)) as Array<string>).sort(),
  runId: found.run_id,
  note: found.note,
  callersOnly: found.callers_only === 1,
  submittedAt: found.submitted_at,
  notBefore: found.not_before,
  waitUntil: found.wait_until,
  attempts: found.attempts,
  starts: JSON.parse(String(found.starts)) as unknown,
  endedAt: found.ended_at,
  reason: found.reason,
  coalescedInto: found.coalesced_into,
  report: found.report === null ? null : (JSON.parse(String(found.report)) as { summary: string }).summary
})

const wishOf = ({ maxWait, ...wish }: Model.Wish) => ({
  ...wish,
  ...(maxWait === undefined ? {} : { maxWait: Duration.millis(maxWait) })
})

export const make = (settings: Model.Settings, start: number, ahead: number) => {
  const scheduler = new SteppedScheduler()
  const clock = new SteppedClock(start)
  clock.set(start + ahead)
  const runtime = Effect.runSync(
    Effect.runtime<never>().pipe(
      Effect.withClock(clock),
      Effect.withScheduler(scheduler),
      Logger.withMinimumLogLevel(LogLevel.None)
    )
  )
  const fork = Runtime.runFork(runtime)

  /** Does it, and whatever comes of it at this instant. */
  const now = <A, E>(effect: Effect.Effect<A, E>): A => {
    const fiber = fork(effect)
    scheduler.run()
    return got(fiber)
  }

  const database = now(Scope.make())
  const client = now(Layer.buildWithScope(SqliteClient.layer({ filename: ":memory:" }), database))
  const sql = Context.get(client, SqlClient)

  const puppets = new Map<string, Puppet>()
  const fibers = new Map<string, Fiber.RuntimeFiber<unknown, unknown>>()
  let outcomes: Record<string, Model.Outcome> = {}
  const submissions: Array<Model.Submission> = []
  let cancelled: ReadonlyArray<string> = []
  // What is seen to go wrong where it cannot be thrown.
  const alarms: Array<string> = []

  /** One process. */
  const begin = () => {
    const scope = now(Scope.make())
    const life = { commitsLeft: Number.POSITIVE_INFINITY, begun: 0, isDead: false, isClosed: false }

    /** Reviews that execute here: by their job and by themselves. */
    const executing = new Map<string, string>()

    const execute = (name: string, job: string, puppet: Puppet) =>
      Effect.suspend(() => {
        if (executing.has(name)) alarms.push(`${name} runs twice`)
        if ([...executing.values()].includes(job)) alarms.push(`R14: two reviews of ${job} run`)
        executing.set(name, job)
        puppets.set(name, puppet)
        if (executing.size > settings.maxConcurrent) alarms.push(`R1: ${[...executing.keys()].join(", ")} run at once`)
        if (life.isClosed) alarms.push(`${name} runs after the end`)
        return Effect.ensuring(
          Deferred.await(puppet.end),
          Effect.sync(() => executing.delete(name))
        )
      })

    const reviewer = Layer.succeed(Reviewer, {
      review: (request) =>
        Effect.suspend(() => {
          if (!life.isDead) life.begun++
          if (request.state !== "running") alarms.push(`${request.id} is reviewed and ${request.state}`)
          return execute(request.id, request.job, { end: Deferred.unsafeMake(FiberId.none) })
        })
    })

    const store = Layer.map(HealingStore.layerSql, (context) => {
      const real = Context.get(context, HealingStore)
      return Context.make(HealingStore, {
        ...real,
        commit: (changes) =>
          Effect.suspend(() => {
            if (life.isDead || life.commitsLeft-- <= 0) {
              life.isDead = true
              return Effect.fail(new HealingStoreError({ reason: "Unavailable", detail: "dead" }))
            }
            if (life.isClosed) alarms.push(`written after the end: ${JSON.stringify(changes)}`)
            return real.commit(changes)
          })
      })
    })

    const config = HealingConfig.layer({
      ...settings,
      quietPeriod: Duration.millis(settings.quietPeriod),
      maxWait: Duration.millis(settings.maxWait),
      reviewTimeout: Duration.millis(settings.reviewTimeout),
      cooldown: Duration.millis(settings.cooldown),
      // What is recorded under a clock that was set is not to be removed for its age.
      retention: Duration.infinity
    })

    const context = now(
      HealingQueue.layer.pipe(
        Layer.provide([reviewer, store]),
        Layer.provideMerge(HealingService.layer),
        Layer.provideMerge(OpenClaw.layer),
        Layer.provideMerge(config),
        Layer.provide(Layer.succeed(SqlClient, sql)),
        Layer.buildWithScope(scope)
      )
    )

    return {
      life,
      executing,
      execute,
      queue: Context.get(context, HealingQueue),
      healing: Context.get(context, HealingService),
      openClaw: Context.get(context, OpenClaw),
      close: () => {
        now(Scope.close(scope, Exit.void))
        life.isClosed = true
      }
    }
  }

  let process = begin()

  const watch = (id: string, effect: Effect.Effect<Review, HealError>): void => {
    const fiber = fork(effect)
    fibers.set(id, fiber)
    const { life } = process
    fiber.addObserver((exit) => {
      if (life.isDead) return
      try {
        outcomes[id] = outcomeOf(exit)
      } catch (error) {
        alarms.push(`${id} has ended with ${error}`)
      }
    })
    scheduler.run()
  }

  const puppet = (name: string): Puppet => {
    const found = puppets.get(name)
    if (found === undefined) throw new Error(`${name} does not run`)
    return found
  }

  const interrupt = (id: string): void => {
    fibers.get(id)?.unsafeInterruptAsFork(INTERRUPTER)
    scheduler.run()
  }

  /** The end of a process, and another one. */
  const restart = (dies: boolean): void => {
    process.life.isDead = dies
    const waiting = [...fibers].filter(([id, fiber]) => id.startsWith("c") && fiber.unsafePoll() === null)
    process.close()
    for (const [id] of fibers) if (!id.startsWith("c")) interrupt(id)
    for (const [id, fiber] of waiting) {
      if (fiber.unsafePoll() === null) alarms.push(`${id} waits after the end`)
      else if (!dies && outcomes[id]?._tag !== "HealingClosed")
        alarms.push(`${id} has ended with ${outcomes[id]?._tag}`)
    }
    fibers.clear()
    if (process.executing.size > 0) alarms.push(`R7: ${[...process.executing.keys()].join(", ")} run on`)
    outcomes = {}
    puppets.clear()
    process = begin()
    scheduler.run()
  }

  const cancel = (target: { readonly id: string } | { readonly job: string }): void => {
    cancelled = now(process.queue.cancel(target))
      .map(({ id }) => id)
      .sort()
  }

  const perform = (event: Model.Event): void => {
    switch (event._tag) {
      case "Submit":
        submissions.push(
          now(
            process.queue.submit(wishOf(event.wish)).pipe(
              Effect.map(submissionOf),
              Effect.catchTag("HealingQueueFull", ({ _tag }) => Effect.succeed({ _tag }))
            )
          )
        )
        break
      case "Heal":
        watch(event.id, process.queue.heal(wishOf(event.wish)))
        break
      case "Leave":
        interrupt(event.id)
        break
      case "CancelJob":
        cancel({ job: event.job })
        break
      case "CancelId":
        cancel({ id: event.id })
        break
      case "Pause":
        now(process.queue.pause)
        break
      case "Resume":
        now(process.queue.resume)
        break
      case "Started":
        now(process.openClaw.started(event.job))
        break
      case "Finished":
        now(process.openClaw.finished(event.job))
        break
      case "End": {
        const job = event.id.split(":")[1] ?? ""
        Deferred.unsafeDone(puppet(event.id).end, ending(job, event.how))
        break
      }
      case "Run": {
        const { execute, healing } = process
        const body = Effect.suspend(() => execute(event.id, event.id, { end: Deferred.unsafeMake(FiberId.none) }))
        const fiber = fork(healing.run(event.id, { priority: event.priority, maxWait: Duration.infinity })(body))
        fibers.set(event.id, fiber)
        const { life } = process
        fiber.addObserver((exit) => {
          if (!life.isClosed && !life.isDead && Exit.isSuccess(exit)) outcomes[event.id] = { _tag: "Done" }
        })
        break
      }
      case "EndRun":
        Deferred.unsafeDone(puppet(event.id).end, ending("", { _tag: "Completed", text: "done" }))
        break
      case "Advance":
        for (let [next] = clock.timers; next !== undefined && next < event.to - clock.asleep; [next] = clock.timers) {
          clock.jump(next)
          scheduler.run()
        }
        clock.jump(event.to - clock.asleep)
        break
      case "SetClock":
        clock.set(clock.unsafeCurrentTimeMillis() + event.by)
        break
      case "Suspend":
        clock.suspend(event.by)
        process.queue[forScheduler].look()
        break
      case "Crash":
        restart(true)
        break
      case "CutOff":
        throw new Error("What is cut off is not performed")
      case "Restart":
        restart(false)
        break
    }
    scheduler.run()
  }

  /** Begins to do it, and dies after so many commits. */
  const cutOff = (event: Model.Event, commits: number): Model.Done => {
    const { life, queue } = process
    const before = life.begun
    const waiting = [...fibers].filter(([id, fiber]) => id.startsWith("c") && fiber.unsafePoll() === null)
    life.commitsLeft = commits
    const told = <A, E>(effect: Effect.Effect<A, E>): boolean => {
      const fiber = fork(effect)
      scheduler.run()
      const exit = fiber.unsafePoll()
      return exit !== null && Exit.isSuccess(exit)
    }
    const acknowledge = (): boolean => {
      switch (event._tag) {
        case "Submit":
          return told(queue.submit(wishOf(event.wish)))
        case "CancelId":
          return told(queue.cancel({ id: event.id }))
        case "Pause":
          return told(queue.pause)
        case "Resume":
          return told(queue.resume)
        default:
          perform(event)
          return false
      }
    }
    const acknowledged = acknowledge()
    const answered = waiting.filter(([id]) => outcomes[id] !== undefined).map(([id]) => id)
    const done = { acknowledged, answered, begun: life.begun - before }
    restart(true)
    return done
  }

  const view = (): Model.View => {
    const { executing, healing, queue } = process
    const live = now(queue.pending).map(rowOf)
    const history = now(queue.history({ limit: 1000 })).map(rowOf)
    const rows = now(sql<Record<string, unknown>>`SELECT * FROM healing_requests ORDER BY number`).map(rowIn)
    const { holds } = now(healing.status.get)
    const known = [...live, ...history].sort((a, b) => a.number - b.number)
    if (!isDeepStrictEqual(rows, known)) {
      alarms.push(`the database has ${JSON.stringify(rows)}\nthe queue has    ${JSON.stringify(known)}`)
    }
    if (alarms.length > 0) throw new Error(alarms.join("\n"))
    const running = live.filter(({ state }) => state === "running")
    if (live.slice(0, running.length).some(({ state }) => state !== "running")) {
      throw new Error("pending: what runs does not come first")
    }
    return {
      running: running.sort((a, b) => a.number - b.number),
      pending: live.filter(({ state }) => state === "pending"),
      history,
      executing: [...executing.keys()].sort(),
      outcomes: { ...outcomes },
      submissions: [...submissions],
      cancelled,
      holds: Object.fromEntries(
        holds.map((held) => [held._tag, "remaining" in held ? Duration.toMillis(held.remaining) : 0])
      )
    }
  }

  const close = (): void => {
    process.close()
    for (const id of fibers.keys()) interrupt(id)
    if (process.executing.size > 0) throw new Error(`${[...process.executing.keys()].join(", ")} are left`)
    now(Scope.close(database, Exit.void))
  }

  return { perform, cutOff, view, close }
}
