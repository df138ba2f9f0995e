/**
 * Restarts the job of a suggestion, which a person has allowed.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { SuggestionNotRestarted, SupervisorError } from "../HealingError.js"
import type { Supervisor } from "../supervisor/Supervisor.js"

/** @internal */
export type Restart = (id: string, job: string) => Effect.Effect<void, SuggestionNotRestarted>

/** A supervisor waits for the end of the old run, of each process of the job, for as long as its own settings say. */
const PATIENCE = Duration.minutes(5)

/** @internal */
export const make =
  (supervisor: Context.Tag.Service<Supervisor>): Restart =>
  (id, job) =>
    Effect.gen(function* () {
      const { jobs, restart } = supervisor
      const info = (yield* jobs).find((one) => one.id === job)
      if (info === undefined) return yield* new SupervisorError({ detail: `the supervisor has no job named ${job}` })
      if (restart === undefined) return yield* new SupervisorError({ detail: "the supervisor cannot restart jobs" })
      yield* restart(info)
    }).pipe(
      Effect.timeoutFail({
        duration: PATIENCE,
        onTimeout: () => new SupervisorError({ detail: `it has not begun anew within ${Duration.format(PATIENCE)}` })
      }),
      // What was written and is to be restarted is restarted, whoever has stopped waiting for it.
      Effect.mapError(({ detail }) => new SuggestionNotRestarted({ id, job, detail })),
      // Within what cannot be interrupted, a race of the supervisor's would wait for its loser.
      Effect.interruptible,
      Effect.forkDaemon,
      Effect.flatMap(Fiber.join)
    )
