/**
 * A scheduler and a clock on which nothing happens but what a driver lets happen, so that a schedule always runs in the
 * same way, and no test ever sleeps.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import type * as Scheduler from "effect/Scheduler"
import { suspended } from "../../src/internal/Clocks.js"

interface Task {
  readonly run: Scheduler.Task
  readonly fiber: unknown
}

/** First come first served, as Effect's own scheduler is, but one task at a time and only when told to. */
export class SteppedScheduler implements Scheduler.Scheduler {
  private tasks: Array<Task> = []

  scheduleTask(run: Scheduler.Task, _priority: number, fiber?: unknown): void {
    this.tasks.push({ run, fiber })
  }

  shouldYield(fiber: Fiber.RuntimeFiber<unknown, unknown>): number | false {
    return fiber.currentOpCount > fiber.getFiberRef(FiberRef.currentMaxOpsBeforeYield) ? 0 : false
  }

  /** Runs so many tasks, or all that there are; those of one fiber only, if it is given. */
  run(most = Number.POSITIVE_INFINITY, fiber?: unknown): void {
    for (let done = 0; done < most; done++) {
      // R12: a gate that never comes to rest polls.
      if (done === 10_000) throw new Error("The service does not come to rest")
      const at = fiber === undefined ? 0 : this.tasks.findIndex((task) => task.fiber === fiber)
      const [task] = at === -1 ? [] : this.tasks.splice(at, 1)
      if (task === undefined) return
      task.run()
    }
  }
}

interface Sleep {
  readonly until: number
  readonly wake: () => void
}

/** Time passes only when told to. A sleep that is interrupted is gone. */
export class SteppedClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  private sleeps: Array<Sleep> = []
  readonly currentTimeMillis = Effect.sync(() => this.unsafeCurrentTimeMillis())
  readonly currentTimeNanos = Effect.sync(() => this.unsafeCurrentTimeNanos())

  private ahead = 0

  asleep = 0

  constructor(private now: number) {}

  unsafeCurrentTimeMillis(): number {
    return this.now + this.ahead
  }

  /** The wall clock is set; for the monotonic one no time passes. */
  set(to: number): void {
    this.ahead = to - this.now
  }

  /** The machine is suspended: real time passes, and for timers and the monotonic clock none does. */
  suspend(by: number): void {
    this.asleep += by
    this.ahead += by
  }

  [suspended](): number {
    return this.asleep
  }

  get monotonic(): number {
    return this.now
  }

  unsafeCurrentTimeNanos(): bigint {
    return BigInt(this.now) * 1_000_000n
  }

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      if (Duration.toMillis(duration) <= 0) return resume(Effect.void)
      const sleep: Sleep = { until: this.now + Duration.toMillis(duration), wake: () => resume(Effect.void) }
      this.sleeps.push(sleep)
      return Effect.sync(() => this.forget(sleep))
    })
  }

  get timers(): ReadonlyArray<number> {
    return this.sleeps.map(({ until }) => until).sort((a, b) => a - b)
  }

  /** Wakes who sleeps until then, in the order of their instants and of their going to sleep. */
  jump(to: number): void {
    this.now = to
    const due = this.sleeps.filter(({ until }) => until <= to).sort((a, b) => a.until - b.until)
    for (const sleep of due) {
      this.forget(sleep)
      sleep.wake()
    }
  }

  private forget(sleep: Sleep): void {
    this.sleeps = this.sleeps.filter((other) => other !== sleep)
  }
}

/** What a fiber has ended with. */
export const got = <A, E>(fiber: Fiber.RuntimeFiber<A, E>): A =>
  Exit.getOrElse(fiber.unsafePoll() ?? Exit.die(new Error("What must not wait has waited")), (cause) => {
    throw Cause.squash(cause)
  })
