/**
 * All that a reviewer gets to see of a job: gathered in the turn of the review, without secrets, each part within its limit.
 *
 * @internal
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Tuple from "effect/Tuple"
import { type HealingStoreError, SupervisorError } from "../HealingError.js"
import { signalOf } from "../internal/ExitCode.js"
import { defaultPolicy, type EvidencePart } from "../policy/HealingPolicy.js"
import { type HealingRequest, isAutomatic } from "../request/HealingRequest.js"
import type { HealingSuggestion, SuggestionState } from "../request/HealingSuggestion.js"
import type { Suggestion } from "../request/Report.js"
import { HealingConfig } from "../settings/HealingConfig.js"
import { HealingStore } from "../store/HealingStore.js"
import { ofRequest } from "../store/SuggestionJournal.js"
import { Evidence, EvidenceScope, type JobFile, type Log, type Run, runsWithin } from "../supervisor/Evidence.js"
import { policyOf } from "../supervisor/JobPolicy.js"
import { JobInfo, Supervisor } from "../supervisor/Supervisor.js"
import * as Excerpt from "../text/Excerpt.js"
import { conceal } from "../text/Secrets.js"

/**
 * One part of it, as a heading and a text.
 *
 * @internal
 */
export interface Exhibit extends Excerpt.Excerpt {
  readonly title: string
}

/** @internal */
export interface Dossier {
  /** What the review is to find out. */
  readonly question: string
  readonly exhibits: ReadonlyArray<Exhibit>
  /** The files of the job by their paths, of which a suggestion may name one. */
  readonly files: ReadonlyMap<string, Excerpt.SeenFile>
}

/** @internal */
export type Gathered = Data.TaggedEnum<{
  Dossier: { readonly dossier: Dossier }
  /** There is nothing to review, and this is why; `lacksJob` if the supervisor does not have the job, or not yet. */
  Nothing: { readonly reason: string; readonly lacksJob: boolean }
}>

const Gathered = Data.taggedEnum<Gathered>()

const MAX_COMMAND = 4000
const MAX_RUNS = 200
const MAX_RUN_LINE = 300
const MAX_RUN_LINES = 12_000
const MAX_BREACHES = 4000
const MAX_LOGS = 4
const MAX_LOG = 12_000
const MAX_FILES = 5
/** All of a file that a suggestion may change: of more, nothing could be proposed. */
const MAX_FILE = 64 * 1024

/** Of all files together, the first of which matter most. */
const MAX_ALL_FILES = 80_000
const MAX_REVIEWS = 5
const MAX_REVIEW = 2500
const MAX_TITLE = 500
const MAX_REASON = 200
const MAX_PATH = 400

/** Earlier runs, to compare the one that failed with. */
const RUNS_BEFORE_FAILURE = 5

/** @internal */
export const gather = (
  request: HealingRequest
): Effect.Effect<
  Gathered,
  SupervisorError | HealingStoreError,
  Supervisor | HealingStore | HealingConfig | FileSystem
> =>
  Effect.gen(function* () {
    const supervisor = yield* Supervisor
    const job = Arr.findFirst(yield* supervisor.jobs, ({ id }) => id === request.job)
    if (job._tag === "None") {
      return Gathered.Nothing({ reason: `the supervisor has no job named ${request.job}`, lacksJob: true })
    }
    const info = yield* asExpected(JobInfo, job.value)
    // One that is wrong keeps a job from being reviewed by itself, of which the scheduler tells; here somebody has asked.
    const { minRuns, scope: parts } = Either.getOrElse(policyOf(info, yield* HealingConfig), () => defaultPolicy)
    const isInScope = (part: EvidencePart) => parts.includes(part)

    const store = yield* HealingStore
    const completed = yield* store.history({ job: info.id, states: ["completed"], limit: MAX_REVIEWS + 1 })
    const reviews = completed.slice(0, MAX_REVIEWS)
    const scope = scopeOf(request, reviews[0], yield* Clock.currentTimeMillis)
    const evidence = yield* asExpected(Evidence, yield* supervisor.evidence(info, scope))
    // The scope decides, whatever the adapter has made of it.
    const runs = runsWithin(evidence.runs, scope)

    if (isScheduled(request) && runs.length < minRuns) {
      const since = scope._tag === "Since" && scope.since > 0 ? ` since ${instant(scope.since)}` : ""
      return Gathered.Nothing({
        reason: `${runs.length} runs${since}, fewer than minRuns (${minRuns})`,
        lacksJob: false
      })
    }

    const inScope = evidence.files.filter(({ role }) => isInScope(role))
    const logs = isInScope("logs") ? evidence.logs : []
    const files = yield* seenFiles(inScope)
    return Gathered.Dossier({
      dossier: {
        question: questionOf(request, scope),
        exhibits: [
          exhibit("Job", Excerpt.head(describeJob(request, info), MAX_COMMAND)),
          exhibit("Command line", Excerpt.head(evidence.command, MAX_COMMAND)),
          ...(isInScope("runs") ? [exhibit("Runs, the newest first", runsInWords(runs, scope))] : []),
          ...(isInScope("sla") && evidence.slaBreaches.length > 0 ? [breachesOf(evidence)] : []),
          ...(yield* Effect.forEach(logs.slice(0, MAX_LOGS), logOf)),
          ...Array.from(files, ([path, file]) => exhibit(`File ${path}`, file)),
          ...(isInScope("reviews") ? yield* Effect.forEach(reviews, (review) => reviewOf(review, files, store)) : []),
          ...leftOver("logs", logs.length - MAX_LOGS),
          ...leftOver("files", inScope.length - files.size),
          ...(isInScope("reviews") && completed.length > MAX_REVIEWS
            ? [leftOut("earlier reviews", "the older ones")]
            : [])
        ],
        files
      }
    })
  })

// Where it is wrong only: the values are an adapter's, and not yet free of secrets.
const asExpected = <A, I>(schema: Schema.Schema<A, I>, value: A): Effect.Effect<A, SupervisorError> =>
  Effect.mapError(Schema.validate(schema)(value), (error) => {
    const paths = ParseResult.ArrayFormatter.formatErrorSync(error).map(({ path }) => path.join("."))
    return new SupervisorError({ detail: `the supervisor's adapter gave what does not fit, in ${paths.join(", ")}` })
  })

const exhibit = (title: string, { remarks, text }: Excerpt.Excerpt): Exhibit => {
  const name = Excerpt.head(title.replaceAll(/[\s\p{Cc}]+/gu, " "), MAX_TITLE)
  return { title: name.text, text, remarks: [...name.remarks.map((remark) => `its name: ${remark}`), ...remarks] }
}

const leftOver = (what: string, count: number): ReadonlyArray<Exhibit> =>
  count > 0 ? [leftOut(what, `${count} ${what}`)] : []

const leftOut = (what: string, which: string): Exhibit => ({
  title: `More ${what}`,
  text: "",
  remarks: [`left out: ${which}`]
})

// -----------------------------------------------------------------------------
// Which runs
// -----------------------------------------------------------------------------

const isScheduled = ({ triggers }: HealingRequest): boolean => triggers.every((trigger) => trigger === "schedule")

const scopeOf = (request: HealingRequest, last: HealingRequest | undefined, now: number): EvidenceScope => {
  if (!isAutomatic(request)) {
    return EvidenceScope.Since({ since: daysBefore(now, 30), runId: request.runId, limit: MAX_RUNS })
  }
  if (request.runId !== null || request.triggers.includes("failure")) {
    return EvidenceScope.Failure({ runId: request.runId, limit: 1 + RUNS_BEFORE_FAILURE })
  }
  // What ran during the last review was not seen by it. Without one every run counts, or a rare job never had enough.
  const since = isScheduled(request) ? (last?.starts.at(-1) ?? 0) : daysBefore(now, 7)
  return EvidenceScope.Since({ since, runId: null, limit: MAX_RUNS })
}

const daysBefore = (now: number, days: number): number => now - Duration.toMillis(Duration.days(days))

// -----------------------------------------------------------------------------
// In words
// -----------------------------------------------------------------------------

// It stands outside of the evidence, so that nothing that others have written may be in it.
const questionOf = ({ runId, triggers }: HealingRequest, scope: EvidenceScope): string =>
  scope._tag === "Failure"
    ? `${triggers.includes("failure") ? "Why did the job fail" : "What is wrong"}${runId === null ? "" : " in the run in question"}? The runs before it are for comparison.`
    : `How does the job do${scope.since > 0 ? ` since ${instant(scope.since)}` : ""}, and what would make it better?`

const describeJob = (request: HealingRequest, { id, kind, openClaw }: JobInfo): string =>
  [
    `id: ${id}`,
    `kind: ${kind}${openClaw ? ", calls OpenClaw" : ""}`,
    `reviewed because of: ${request.triggers.join(", ")}`,
    ...(request.runId === null ? [] : [`run in question: ${request.runId}`]),
    ...(request.note === null ? [] : [`note: ${request.note}`])
  ].join("\n")

const runsInWords = (runs: ReadonlyArray<Run>, scope: EvidenceScope): Excerpt.Excerpt => {
  const { remarks, text } = Excerpt.head(runs.map(describeRun).join("\n") || "none", MAX_RUN_LINES)
  const isFull = scope._tag === "Since" && runs.length === scope.limit
  const isMissing = scope.runId !== null && runs.every(({ id }) => id !== scope.runId)
  return {
    text,
    remarks: [
      ...(isFull ? [`${scope.limit} at most`] : []),
      ...(isMissing ? ["the run in question is not among them"] : []),
      ...remarks
    ]
  }
}

const exitOf = (exitCode: number): string => {
  const signal = signalOf(exitCode)
  return `exit code ${exitCode}${signal === undefined ? "" : ` (killed by ${signal})`}`
}

const describeRun = ({ endedAt, exitCode, id, outcome, signal, startedAt, trigger }: Run): string =>
  Excerpt.shorten(
    [
      id,
      outcome,
      startedAt === null ? "start unknown" : `started ${instant(startedAt)}`,
      ...(endedAt === null ? [] : [`ended ${instant(endedAt)}`]),
      ...(startedAt === null || endedAt === null
        ? []
        : [`took ${Duration.format(Duration.millis(endedAt - startedAt))}`]),
      ...(exitCode === null ? [] : [exitOf(exitCode)]),
      ...(signal == null ? [] : [`signal ${signal}`]),
      ...(trigger == null ? [] : [`trigger ${trigger}`])
    ].join(", "),
    MAX_RUN_LINE
  )

const breachesOf = ({ slaBreaches }: Evidence): Exhibit =>
  exhibit(
    "SLA breaches, the newest first",
    Excerpt.head(slaBreaches.map(({ at, what }) => `${instant(at)} ${what}`).join("\n"), MAX_BREACHES)
  )

const instant = (millis: number): string => new Date(millis).toISOString()

// -----------------------------------------------------------------------------
// Logs and files
// -----------------------------------------------------------------------------

const logOf = (log: Log): Effect.Effect<Exhibit, never, FileSystem> =>
  Effect.map(
    "path" in log ? Excerpt.logFile(log.path, MAX_LOG) : Effect.sync(() => Excerpt.logText(log.text, MAX_LOG)),
    (excerpt) => exhibit(`Log ${log.name}`, excerpt)
  )

const seenFiles = (files: Evidence["files"]): Effect.Effect<ReadonlyMap<string, Excerpt.SeenFile>, never, FileSystem> =>
  Effect.suspend(() => {
    let left = MAX_ALL_FILES
    const see = (file: JobFile) =>
      Effect.map(
        isEnvironment(file) ? Effect.succeed(ENVIRONMENT) : Excerpt.file(file.path, Math.min(MAX_FILE, left)),
        (seen) => {
          left -= seen.text.length
          return Tuple.make(file.path, { ...seen, remarks: [file.role, ...seen.remarks] })
        }
      )
    return Effect.map(Effect.forEach(files.filter(isNameable).slice(0, MAX_FILES), see), (seen) => new Map(seen))
  })

// Its path goes out as it is, since a suggestion is to name it, and stands on a line of its own.
const isNameable = ({ path }: JobFile): boolean =>
  path.length <= MAX_PATH && !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(path) && conceal(path) === path

const isEnvironment = ({ path }: JobFile): boolean => /(^|[/\\])(\.env(rc|\.[^/\\]*)?|[^/\\]*\.env)$/i.test(path)

const ENVIRONMENT: Excerpt.SeenFile = { text: "", remarks: ["left out: an environment"], hash: null, isWhole: false }

// -----------------------------------------------------------------------------
// Earlier reviews
// -----------------------------------------------------------------------------

const reviewOf = (
  { endedAt, number, report }: HealingRequest,
  files: ReadonlyMap<string, Excerpt.SeenFile>,
  store: Context.Tag.Service<HealingStore>
): Effect.Effect<Exhibit, HealingStoreError, FileSystem> =>
  Effect.gen(function* () {
    const rows = yield* ofRequest(store.suggestions, number)
    const suggestions = yield* Effect.forEach(report?.suggestions ?? [], (suggestion, index) =>
      Effect.map(whatBecameOf(suggestion, files), (fate) => {
        const { severity, targetFile, title } = suggestion
        const row = rows.find(({ position }) => position === index + 1)
        const decided = row === undefined ? "" : `; ${decisionOf(row)}`
        return `- suggested (${severity}): ${title}${targetFile === null ? "" : `, in ${targetFile}: ${fate}`}${decided}`
      })
    )
    const text = [Excerpt.shorten(report?.summary ?? "", MAX_REVIEW / 2), ...suggestions].join("\n")
    return exhibit(`Earlier review, of ${instant(endedAt ?? 0)}`, Excerpt.head(text, MAX_REVIEW))
  })

const IN_WORDS: { readonly [S in SuggestionState]: string } = {
  pending: "nobody has decided on it",
  approved: "it was approved, and is to be applied",
  applying: "it is being applied",
  applied: "it was applied, and its effect is not known yet",
  failed: "its file was edited by somebody else when it was to be applied",
  confirmed: "it was applied, and has helped",
  relapsed: "it was applied, and has not helped: the job has failed again for the same cause",
  inconclusive: "it was applied, and whether it has helped is not known",
  rolled_back: "it was applied and taken back",
  rejected: "it was rejected",
  expired: "its time was over",
  superseded: "a newer one has taken its place"
}

const decisionOf = ({ reason, state }: HealingSuggestion): string =>
  `${IN_WORDS[state]}${reason === null || state === "pending" ? "" : ` (${reason.replaceAll(/\s+/g, " ").slice(0, MAX_REASON)})`}`

const whatBecameOf = (
  { fileHash, proposedContent, targetFile }: Suggestion,
  files: ReadonlyMap<string, Excerpt.SeenFile>
): Effect.Effect<string, never, FileSystem> =>
  Effect.gen(function* () {
    if (targetFile === null) return ""
    const seen = files.get(targetFile)
    const hash = seen === undefined ? yield* Excerpt.fileHash(targetFile) : seen.hash
    if (hash === null) return "which cannot be read now"
    if (proposedContent !== null && hash === Excerpt.hashOf(proposedContent)) return "which is now as it was proposed"
    return hash === fileHash ? "which has not changed since" : "which was changed since, but not as proposed"
  })
