/**
 * What PM2 listed when it was last looked at, in a file of the adapter's own in PM2's home: so that what goes on or has failed while this
 * process is down is known when it is up again.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Proc from "../internal/Proc.js"
import * as StateFile from "../internal/StateFile.js"

/** Processes that are kept. */
const MAX_PROCESSES = 10_000

const SeenProcess = Schema.Struct({
  slot: Schema.String,
  job: Schema.String,
  uniqueId: Schema.UndefinedOr(Schema.String).pipe(Schema.optionalWith({ default: () => undefined })),
  runId: Schema.NullOr(Schema.String),
  startedAt: Schema.NullOr(Schema.Finite),
  autorestart: Schema.Boolean,
  pid: Schema.NullOr(Schema.Int),
  status: Schema.String,
  restarts: Schema.Int,
  /** When it was started, if it counts and was up. */
  start: Schema.NullOr(Schema.String)
})

/**
 * A process as it was listed: only what is needed to know what has become of it.
 *
 * @internal
 */
export interface SeenProcess extends Schema.Schema.Type<typeof SeenProcess> {}

const Content = Schema.Struct({
  version: Schema.Literal(1),
  at: Schema.Finite,
  boot: Schema.String,
  processes: Schema.Array(SeenProcess).pipe(Schema.maxItems(MAX_PROCESSES))
})

/**
 * - `at`: when it was, in milliseconds since 1970.
 * - `processes`: none that has a `start` unless the machine was not started anew since.
 *
 * @internal
 */
export interface LastLook {
  readonly at: number
  readonly processes: ReadonlyArray<SeenProcess>
}

/** @internal */
export interface LookFile {
  readonly read: (now: number) => LastLook | undefined
  /** Writes it if it is another one than before. A home that cannot be written to is warned of once. */
  readonly write: (processes: ReadonlyArray<SeenProcess>, now: number) => Effect.Effect<void>
}

/**
 * `key`: by what the processes were told that count. Another adapter with other rules has a file of its own.
 *
 * @internal
 */
export const make = (home: string, key: string): LookFile => {
  const file = StateFile.make(
    home,
    key,
    Content,
    `${home} cannot be written to: OpenClaw jobs that outlive their PM2 daemon may not be known after a restart`
  )
  return {
    read: (now) => {
      const found = file.read()
      if (found === undefined) return undefined
      const isSameLife = found.boot === Proc.bootOf(now)
      return { at: found.at, processes: found.processes.map((one) => (isSameLife ? one : { ...one, start: null })) }
    },
    write: (processes, now) =>
      file.write(
        { version: 1, at: now, boot: Proc.bootOf(now), processes: processes.slice(0, MAX_PROCESSES) },
        JSON.stringify(processes)
      )
  }
}
