/**
 * What ProcClaw knows about a job.
 *
 * @internal
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { SupervisorError } from "../HealingError.js"
import { type Evidence, type EvidenceScope, type JobFile, type Log, runsWithin } from "../supervisor/Evidence.js"
import { type Api, ProcClawSilent } from "./Api.js"
import * as Payload from "./Payload.js"

/** Lines of a log that are asked for. */
const LINES = 400

/** Runs of a job that are asked for. */
const RUNS = 200

/** SLA breaches are asked for of so long. */
const SINCE = "7d"

/** The script that a command line begins with. */
const SCRIPT = /^\/[^\s"'`$;&|<>()*?]+/

/**
 * `home`: ProcClaw's folder, if the files that it names are those of this machine.
 *
 * @internal
 */
export const gather = (
  api: Api,
  job: Payload.Job,
  scope: EvidenceScope,
  timeZone: string,
  home: string | undefined
): Effect.Effect<Evidence, SupervisorError> =>
  Effect.gen(function* () {
    const path = `/api/v1/jobs/${encodeURIComponent(job.id)}`
    const listed = Payload.runsOf(
      yield* api.get(`/api/v1/runs?job_id=${encodeURIComponent(job.id)}&limit=${RUNS}`),
      timeZone
    )
    if (Option.isNone(listed))
      return yield* new ProcClawSilent({ reason: "ProcClaw lists runs that cannot be understood" })
    const runs = runsWithin(
      listed.value.map(({ run }) => run),
      scope
    )
    const breaches = job.hasSla
      ? yield* optional(api.get(`/api/v1/sla/breaches?since=${SINCE}`), [], (body) =>
          Option.getOrElse(Payload.breachesOf(body, timeZone), () => [])
        )
      : []
    // The end of the log of all runs; of one run that is not the last, what it has said of errors.
    const log = (name: string, file: string, query: string) => {
      const here = logHere(home, job.id, file)
      return here === undefined
        ? Effect.map(optional(api.get(`${path}/logs?lines=${LINES}${query}`), "", Payload.linesOf), (text) =>
            logOf(name, text)
          )
        : Effect.succeed([{ name, path: here }])
    }
    const stderr = yield* log("stderr", "error.log", "&error=true")
    const stdout = yield* log("stdout", "log", "")
    const [inQuestion] = runs
    const isOld = inQuestion !== undefined && inQuestion.id !== listed.value[0]?.run.id
    const ofRun = isOld
      ? yield* optional(
          api.get(`/api/v1/runs/${encodeURIComponent(inQuestion.id)}/logs?level=stderr&limit=${LINES}`),
          "",
          Payload.linesOf
        )
      : ""
    const prompt = job.type === "openclaw" ? yield* optional(api.get(`${path}/prompt`), {}, Payload.promptOf) : {}
    const promptFile = home !== undefined && prompt.path?.startsWith("/") === true ? prompt.path : undefined
    const script = home !== undefined ? SCRIPT.exec(job.command)?.[0] : undefined
    return {
      command: job.command,
      runs,
      slaBreaches: breaches.filter((breach) => breach.job === job.id).map(({ at, what }) => ({ at, what })),
      logs: [
        ...logOf(`stderr of the run ${inQuestion?.id}`, ofRun),
        ...stderr,
        ...stdout,
        ...(promptFile === undefined ? logOf("prompt", prompt.content ?? "") : [])
      ],
      files: [...fileOf(script, "script"), ...fileOf(promptFile, "prompt")]
    }
  }).pipe(Effect.mapError(({ reason }) => new SupervisorError({ detail: reason })))

/** The file of a log, where ProcClaw keeps it: it may also put it into its database after a run. */
const logHere = (home: string | undefined, job: string, file: string): string | undefined => {
  if (home === undefined || job.includes("/")) return undefined
  const path = join(home, "logs", `${job}.${file}`)
  return existsSync(path) ? path : undefined
}

const logOf = (name: string, text: string): ReadonlyArray<Log> => (text === "" ? [] : [{ name, text }])

const fileOf = (path: string | undefined, role: JobFile["role"]): ReadonlyArray<JobFile> =>
  path === undefined ? [] : [{ path, role }]

/** What a job has none of is answered with an error, which is no reason to go without the rest. A daemon that does not answer is one. */
const optional = <A>(
  question: Effect.Effect<unknown, ProcClawSilent>,
  otherwise: A,
  read: (body: unknown) => A
): Effect.Effect<A, ProcClawSilent> =>
  Effect.map(question, read).pipe(
    Effect.catchIf(
      ({ status }) => status !== undefined && status !== 401 && status !== 403,
      () => Effect.succeed(otherwise)
    )
  )
