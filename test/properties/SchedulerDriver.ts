/**
 * Does to the real scheduler what a schedule of steps says, over any number of lives on one store.
 *
 * All fibers run on a scheduler and a clock of their own, whose wall time can be set.
 */
import { isDeepStrictEqual } from "node:util"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import {
  Activity,
  HealingConfig,
  HealingQueue,
  HealingScheduler,
  HealingService,
  HealingStore,
  HealingStoreError,
  type JobInfo,
  OpenClaw,
  Reviewed,
  Reviewer,
  Supervisor,
  SupervisorError
} from "effect-healing"
import { type Calendar, type JobState, Model, type Settings } from "./SchedulerModel.js"
import type { Step } from "./SchedulerSchedule.js"
import { got, SteppedClock, SteppedScheduler } from "./Stepped.js"

const MINUTE = 60_000

/** So small that no nanosecond is rounded. */
const BOOT = 1_000_000_000

const reversed = (record: object) => Object.fromEntries(Object.entries(record).reverse())

const jobOf = (id: string, state: JobState, calendars: ReadonlyArray<Calendar>): JobInfo => {
  const policy = () => {
    if (state._tag === "Plain") return {}
    const schedule = calendars[state.calendar]?.of.input ?? {}
    // The same schedule in other words.
    const written = state.variant % 2 === 0 ? schedule : reversed(schedule)
    const priority = -1 - state.variant
    if (state._tag === "Wrong") {
      return state.variant % 2 === 0
        ? { schedule: written, minRuns: -1 }
        : { schedule: { frequency: "never" }, priority }
    }
    return { schedule: written, priority, enabled: state._tag === "Planned" }
  }
  return { id, kind: "cron", openClaw: false, policy: policy() as JobInfo["policy"] }
}

export const make = (
  settings: Settings,
  calendars: ReadonlyArray<Calendar>,
  start: number,
  see: (what: string) => void
) => {
  const scheduler = new SteppedScheduler()
  const clock = new SteppedClock(BOOT)
  clock.set(start)
  const runtime = Effect.runSync(
    Effect.runtime<never>().pipe(
      Effect.withClock(clock),
      Effect.withScheduler(scheduler),
      Logger.withMinimumLogLevel(LogLevel.None)
    )
  )
  const fork = Runtime.runFork(runtime)
  const times = () => ({ wall: clock.unsafeCurrentTimeMillis(), monotonic: clock.monotonic })

  /** Does it, and whatever comes of it at this instant. */
  const now = <A, E>(effect: Effect.Effect<A, E>): A => {
    const fiber = fork(effect)
    scheduler.run()
    return got(fiber)
  }

  const model = new Model(settings, calendars, see)
  const store = now(Effect.provide(HealingStore, HealingStore.layerMemory))

  // ---------------------------------------------------------------------------------------------------------------------
  // The world around the scheduler
  // ---------------------------------------------------------------------------------------------------------------------

  const jobs = new Map<string, JobState>()
  let supervisor: "answers" | "fails" | "hangs" | "dies" = "answers"
  let unhang = Deferred.unsafeMake<void>(FiberId.none)
  let askedAt = clock.monotonic

  const disk = { state: "works" as "works" | "fails" | "hangs", goesOn: Deferred.unsafeMake<void>(FiberId.none) }
  const running = new Map<string, Deferred.Deferred<Reviewed>>()
  const cancelled = new Set<string>()
  /** Jobs of which a request may have been cancelled that was still being written, which `pending` does not show. */
  const cancelledUnseen = new Set<string>()
  let busy = 0

  /** Since when the scheduler runs, its clocks go evenly and its disk works. */
  let calm: number | undefined

  const disturb = (): void => {
    calm = disk.state === "works" ? clock.monotonic : undefined
  }

  /** One process. */
  const begin = (isOn: boolean) => {
    const scope = now(Scope.make())
    const life = { commitsLeft: Number.POSITIVE_INFINITY, isOver: false }

    const commit: Context.Tag.Service<HealingStore>["commit"] = (changes) =>
      Effect.suspend(() => {
        if (life.isOver) model.alarms.push("written after the end")
        if (life.commitsLeft-- <= 0) {
          return Effect.fail(new HealingStoreError({ reason: "Unavailable", detail: "dead" }))
        }
        if (disk.state === "hangs") return Effect.zipRight(Deferred.await(disk.goesOn), commit(changes))
        if (disk.state === "fails") {
          model.diskFailed(times())
          if (changes.some(({ _tag }) => _tag === "Occurrence")) see("the disk fails")
          return Effect.fail(new HealingStoreError({ reason: "Full", detail: "full" }))
        }
        return Effect.map(store.commit(changes), () => model.written(changes, times()))
      })

    const SupervisorLive = Layer.succeed(Supervisor, {
      jobs: Effect.suspend(() => {
        askedAt = clock.monotonic
        if (supervisor === "dies") return Effect.die(new Error("a bug"))
        if (supervisor === "fails") return Effect.fail(new SupervisorError({ detail: "gone" }))
        return supervisor === "hangs" ? Deferred.await(unhang) : Effect.void
      }).pipe(
        Effect.map(() => {
          if (!life.isOver) model.told(jobs, isOn, times())
          return Array.from(jobs, ([id, state]) => jobOf(id, state, calendars))
        })
      ),
      activity: Stream.concat(Stream.succeed(Activity.Known({ running: [] })), Stream.never),
      events: Stream.never,
      runs: Stream.never,
      evidence: () => Effect.fail(new SupervisorError({ detail: "nothing is known" }))
    })

    const ReviewerLive = Layer.succeed(Reviewer, {
      review: ({ id }) =>
        Effect.suspend(() => {
          const end = Deferred.unsafeMake<Reviewed>(FiberId.none)
          running.set(id, end)
          return Effect.ensuring(
            Deferred.await(end),
            Effect.sync(() => running.delete(id))
          )
        })
    })

    model.begin(times())
    const written = now(store.lastOccurrences)
    if (!isDeepStrictEqual(new Map(written.map((row) => [row.job, row])), model.last)) {
      throw new Error(`The store has lost ${JSON.stringify([...model.last.values()])}: ${JSON.stringify(written)}`)
    }

    const context = now(
      HealingScheduler.layer.pipe(
        Layer.provideMerge(HealingQueue.layer),
        Layer.provide([ReviewerLive, Supervisor.layerActivity]),
        Layer.provideMerge(HealingService.layer),
        Layer.provideMerge(OpenClaw.layer),
        Layer.provide([
          SupervisorLive,
          FileSystem.layerNoop({}),
          Layer.succeed(HealingStore, { ...store, commit }),
          HealingConfig.layer({
            enabled: isOn,
            quietPeriod: 0,
            reviewTimeout: Duration.infinity,
            retention: Duration.infinity,
            cooldown: 0,
            maxAttempts: 1000,
            maxReviewsPerDay: 1_000_000,
            maxPending: settings.maxPending,
            maxCatchUpAge: settings.maxCatchUpAge
          })
        ]),
        Layer.buildWithScope(scope)
      )
    )
    disturb()
    const openClaw = Context.get(context, OpenClaw)
    for (let index = 0; index < busy; index++) now(openClaw.started("busy"))

    return {
      isOn,
      scheduler: Context.get(context, HealingScheduler),
      queue: Context.get(context, HealingQueue),
      openClaw,
      life,
      close: () => {
        now(Scope.close(scope, Exit.void))
        life.isOver = true
      }
    }
  }

  // ---------------------------------------------------------------------------------------------------------------------
  // What is done to it
  // ---------------------------------------------------------------------------------------------------------------------

  const setDisk = (state: typeof disk.state): void => {
    if (state === disk.state) return
    const before = disk.state
    disk.state = state
    if (before === "hangs") {
      model.diskGoesOn(times())
      const { goesOn } = disk
      disk.goesOn = Deferred.unsafeMake<void>(FiberId.none)
      Deferred.unsafeDone(goesOn, Effect.void)
    }
    if (state === "hangs") model.diskHangs(times())
    if (state === "fails") model.diskFailed(times())
    disturb()
    scheduler.run()
  }

  const setSupervisor = (state: typeof supervisor): void => {
    supervisor = state
    const before = unhang
    unhang = Deferred.unsafeMake<void>(FiberId.none)
    if (state !== "hangs") Deferred.unsafeDone(before, Effect.void)
    scheduler.run()
  }

  const setWall = (to: number): void => {
    // There is nothing before 1970.
    const { wall } = times()
    clock.set(Math.max(to, 0))
    model.wallWasSet(times(), wall)
    disturb()
  }

  /** Everybody who sleeps is woken on time. */
  const pass = (by: number): void => {
    const to = clock.monotonic + by
    for (let [next] = clock.timers; next !== undefined && next < to; [next] = clock.timers) {
      clock.jump(next)
      scheduler.run()
    }
    clock.jump(to)
    scheduler.run()
  }

  let process = begin(true)

  const restart = (isOn: boolean, down: number): void => {
    setDisk("works")
    process.close()
    if (running.size > 0) model.alarms.push("a review runs after the end")
    clock.jump(clock.monotonic + down)
    process = begin(isOn)
    scheduler.run()
  }

  const perform = (step: Step): void => {
    switch (step._tag) {
      case "Pass":
        pass(step.by)
        break
      case "Toward": {
        const upcoming = now(process.scheduler.upcoming)
        const { at = Number.POSITIVE_INFINITY } = upcoming[step.nth % upcoming.length] ?? {}
        const { wall } = times()
        // Further ahead is nothing that would be worth the time.
        if (at > wall + 70 * 24 * 60 * MINUTE) break
        if (at - wall > 3 * MINUTE) setWall(at - 1.5 * MINUTE)
        pass(Math.max(0, at + step.off - times().wall))
        break
      }
      case "Sleep":
        if (step.isCounted) {
          const { wall } = times()
          clock.jump(clock.monotonic + step.by)
          model.wallWasSet(times(), wall)
          disturb()
        } else setWall(times().wall + step.by)
        scheduler.run()
        break
      case "SetBack":
        see("the clock is set back")
        setWall(times().wall - step.by)
        break
      case "Restart":
        restart(step.isOn, step.down)
        break
      case "Crash":
        process.life.commitsLeft = step.commits
        calm = undefined
        // What hangs then never was.
        if (disk.state === "hangs") process.life.commitsLeft = 0
        pass(step.after)
        process.life.commitsLeft = 0
        restart(true, step.down)
        break
      case "Disk":
        setDisk(step.state)
        break
      case "Job":
        if (step.state === undefined) jobs.delete(step.job)
        else jobs.set(step.job, step.state)
        break
      case "Supervisor":
        setSupervisor(step.state)
        break
      case "Refresh": {
        const fiber = fork(process.scheduler.refresh)
        scheduler.run()
        const exit = fiber.unsafePoll()
        const expected = supervisor === "answers" ? "Success" : supervisor === "hangs" ? undefined : "Failure"
        if (exit?._tag !== expected) model.alarms.push(`a refresh has ended with ${exit}`)
        break
      }
      case "Busy":
        if (busy === 0 || !step.isBusy) {
          if (step.isBusy) now(process.openClaw.started("busy"))
          else for (; busy > 0; busy--) now(process.openClaw.finished("busy"))
          busy = step.isBusy ? 1 : 0
        }
        break
      case "End": {
        const [end] = running.values()
        if (end !== undefined)
          Deferred.unsafeDone(end, Effect.succeed(Reviewed.Completed({ report: { summary: "all is well" } })))
        scheduler.run()
        break
      }
      case "Cancel":
        for (const { id, job } of now(process.queue.pending)) if (job === step.job) cancelled.add(id)
        if (disk.state === "hangs") cancelledUnseen.add(step.job)
        fork(process.queue.cancel({ job: step.job }))
        scheduler.run()
        break
    }
  }

  const check = (): void => {
    const { monotonic } = times()
    const wrong = [...model.alarms]
    if (calm !== undefined) {
      wrong.push(...model.check(calm, times()))
      wrong.push(...model.checkUpcoming(now(process.scheduler.upcoming), calm, times()))
      if (monotonic - askedAt > MINUTE) wrong.push("the supervisor was not asked for a minute")
      if (monotonic - calm > MINUTE && supervisor === "answers" && clock.timers.length > 1)
        wrong.push(`${clock.timers.length} timers sleep`)
    }
    const [withPolicies, withClocks] = Arr.partition(now(process.scheduler.problems), ({ expected }) =>
      expected.includes("the clock of the machine was ahead")
    )
    for (const { job } of withClocks) {
      if (model.planned.has(job)) model.see("a problem with a clock")
      else wrong.push(`a problem with the clock of ${job}, which has no schedule`)
    }
    const problems = new Set(withPolicies.map(({ job }) => job))
    if (!isDeepStrictEqual(problems, model.wrong)) wrong.push(`problems are with ${[...problems]}`)
    if (wrong.length > 0) throw new Error(wrong.join("\n"))
  }

  /** R17: whatever was asked for is reviewed in the end. */
  const close = (): void => {
    if (busy > 0) see("busy to the end")
    setSupervisor("answers")
    setDisk("works")
    // Nothing is reviewed while it is not enabled.
    if (!process.isOn) restart(true, 0)
    perform({ _tag: "Busy", isBusy: false })
    const wanted = new Set(model.rows.flatMap(({ request }) => request ?? []))
    for (let round = 0; ; round++) {
      perform({ _tag: "End" })
      const left = now(process.queue.pending).filter(({ number }) => wanted.has(number))
      if (left.length === 0) break
      if (round > 100) throw new Error(`R17: ${left.map(({ id }) => id)} are never reviewed`)
      if (running.size === 0) pass(MINUTE)
    }
    for (const { coalescedInto, id, job, number, reason, state } of now(process.queue.history({ limit: 1000 }))) {
      if (!wanted.delete(number)) continue
      const isOff = state === "skipped" && reason === "its policy was switched off"
      const isCancelled = state === "cancelled" && (cancelled.has(id) || cancelledUnseen.has(job))
      const isRight = state === "completed" || isOff || isCancelled || coalescedInto !== null
      if (!isRight) throw new Error(`R17: ${id} is ${state}`)
      see(`in the end ${state}`)
    }
    if (wanted.size > 0 && wanted.size < 1000) throw new Error(`R17: ${[...wanted]} are lost`)
    process.close()
    if (clock.timers.length > 0) throw new Error("a timer sleeps after the end")
  }

  return { perform, check, close, times }
}
