/**
 * The commands that only look: they work on the file alone, too.
 *
 * @internal
 */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ApiJob, ApiStatus, RequestBrief } from "../http/HealingHttp.js"
import { FinalState, type HealingRequest, isId } from "../request/HealingRequest.js"
import { type HealingSuggestion, SuggestionState, type SuggestionStep } from "../request/HealingSuggestion.js"
import { reportMarkdown } from "../request/ReportMarkdown.js"
import { quotaInWords } from "../running/Quota.js"
import { oneLine } from "../text/OneLine.js"
import { open } from "./OpenSource.js"
import { failed } from "./Problem.js"
import * as Screen from "./Screen.js"
import * as Where from "./Where.js"

const shown = { ...Where.options, ...Screen.options }

const limit = Options.integer("limit").pipe(
  Options.withDescription("How many at most, 1 to 1,000"),
  Options.withDefault(20)
)

const job = Options.text("job").pipe(Options.withDescription("Of this job only"), Options.optional)

const requestId = Args.text({ name: "id" }).pipe(
  Args.withDescription("The id of a request or of a suggestion, as history and suggestions print it")
)

/** Of what an AI or a job has written, in a table. */
const MAX_TEXT = 80

const short = (text: string | null): string => {
  const line = oneLine(text ?? "")
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT - 1)}…` : line
}

// -----------------------------------------------------------------------------
// status
// -----------------------------------------------------------------------------

const until = (time: Screen.Time, at: number | null): string => (at === null ? "" : ` (until ${time(at)})`)

const showStatus = (status: ApiStatus, time: Screen.Time) => {
  const { at, heldBy, holds, line, locked, next, openClaw, quotas, running, stopped, waiting } = status
  const forWaiting = waiting === 0 ? holds : heldBy
  const inLine = line.slice(0, 5).map(({ job, waitedMs }) => `${job}, since ${time(at - waitedMs)}`)
  const more = waiting > inLine.length ? [`and ${waiting - inLine.length} more`] : []
  return Screen.list([
    ["in review", running.map(({ job, runningMs }) => `${job}, since ${time(at - runningMs)}`).join("\n") || "nothing"],
    ["waiting", [...inLine, ...more].join("\n") || "nothing"],
    ["held up by", forWaiting.map(({ message, until: end }) => message + until(time, end)).join("\n")],
    [
      "OpenClaw",
      openClaw.jobs.map(({ instances, job }) => (instances === 1 ? job : `${job} (${instances})`)).join(", ") ||
        "no job runs"
    ],
    ["unknown", openClaw.unknown.map(({ name, reason }) => `${name}: ${oneLine(reason)}`).join("\n")],
    ["quotas", quotas.map((quota) => quotaInWords(quota, until(time, quota.resetsAt))).join("\n")],
    ["next", next === null ? undefined : `${next.job}, ${time(next.at)}, by the clock`],
    ["stopped", stopped.map(({ message }) => message).join("\n")],
    ["locked", locked.join(", ")]
  ])
}

const status = Command.make("status", shown, (options) =>
  Effect.gen(function* () {
    const found = yield* (yield* open(options)).status
    if (options.json) return yield* Screen.json(found)
    yield* showStatus(found, yield* Screen.times(options))
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Who runs, who waits, and what holds the first of them up"))

// -----------------------------------------------------------------------------
// jobs, queue, history
// -----------------------------------------------------------------------------

const lastOf = ({ last }: ApiJob, time: Screen.Time) =>
  last === null
    ? Effect.succeed("-")
    : Effect.map(Screen.state(last.state), (state) => `${state} ${time(last.endedAt)}`)

const jobs = Command.make("jobs", shown, (options) =>
  Effect.gen(function* () {
    const found = yield* (yield* open(options)).jobs
    if (options.json) return yield* Screen.json(found)
    const time = yield* Screen.times(options)
    const rows = yield* Effect.forEach(found, (job) =>
      Effect.map(lastOf(job, time), (last) => [
        oneLine(job.id),
        job.kind,
        job.openClaw ? "yes" : "no",
        job.reviews.map(({ state }) => state).join(", ") || "-",
        last,
        time(job.nextDueAt),
        job.problems.map(({ expected, key }) => `${key === "" ? "" : `${key}: `}${expected}`).join("; ")
      ])
    )
    yield* Screen.table(["JOB", "KIND", "OPENCLAW", "REVIEW", "LAST", "NEXT", "PROBLEM"], rows, "There is no job")
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("The jobs of the supervisor, each with its last outcome and when it is due next"))

const queue = Command.make("queue", { ...shown, limit }, (options) =>
  Effect.gen(function* () {
    const found = yield* (yield* open(options)).queue(options.limit)
    if (options.json) return yield* Screen.json(found)
    const time = yield* Screen.times(options)
    const rows = yield* Effect.forEach(found.requests, ({ id, notBefore, reason, state, submittedAt, triggers }) =>
      Effect.map(Screen.state(state), (shownState) => [
        oneLine(id),
        shownState,
        time(submittedAt),
        triggers.join(", "),
        notBefore === null ? "-" : `${time(notBefore)}${reason === null ? "" : `: ${short(reason)}`}`
      ])
    )
    yield* Screen.table(["ID", "STATE", "ASKED FOR", "BECAUSE OF", "NOT BEFORE"], rows, "Nothing waits")
    if (found.total > rows.length)
      yield* Console.log(`and ${found.total - rows.length} more: --limit shows more of them`)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("What runs and what waits, in the order of turns"))

const states = Options.choice("state", FinalState.literals).pipe(
  Options.withDescription("In this state only; it can be given several times"),
  Options.repeated
)

const before = Options.text("before").pipe(
  Options.withDescription("What stands behind the page before: its next, as --json prints it"),
  Options.optional
)

const history = Command.make("history", { ...shown, job, states, limit, before }, (options) =>
  Effect.gen(function* () {
    const found = yield* (yield* open(options)).history({
      job: Option.getOrUndefined(options.job),
      states: options.states.length === 0 ? undefined : options.states,
      limit: options.limit,
      before: Option.getOrUndefined(options.before)
    })
    if (options.json) return yield* Screen.json(found)
    const time = yield* Screen.times(options)
    const rows = yield* Effect.forEach(found.requests, ({ endedAt, id, reason, state, summary }) =>
      Effect.map(Screen.state(state), (shownState) => [
        oneLine(id),
        shownState,
        time(endedAt),
        short(summary ?? reason)
      ])
    )
    yield* Screen.table(["ID", "STATE", "ENDED", "WHAT IT SAYS"], rows, "Nothing has ended yet")
    if (found.next !== null) yield* Console.log(`More: --before ${found.next}`)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("What has ended, the newest first"))

// -----------------------------------------------------------------------------
// show, report
// -----------------------------------------------------------------------------

const showRequest = (request: HealingRequest, time: Screen.Time) =>
  Effect.gen(function* () {
    const { attempts, coalescedInto, endedAt, id, job, note, notBefore, reason, report, runId, submittedAt } = request
    yield* Screen.list([
      ["request", oneLine(id)],
      ["job", oneLine(job)],
      ["state", yield* Screen.state(request.state)],
      ["because of", request.triggers.join(", ")],
      ["run", runId ?? undefined],
      ["note", note === null ? undefined : oneLine(note)],
      ["asked for", time(submittedAt)],
      ["not before", notBefore === null ? undefined : time(notBefore)],
      ["begun", request.starts.length === 0 ? undefined : request.starts.map(time).join(", ")],
      ["attempts", attempts === 0 ? undefined : String(attempts)],
      ["ended", endedAt === null ? undefined : time(endedAt)],
      ["why", reason === null ? undefined : oneLine(reason)],
      ["goes on in", coalescedInto ?? undefined],
      ["summary", report === null ? undefined : oneLine(report.summary)],
      ["report", report === null ? undefined : `effect-healing report ${id}`]
    ])
  })

const showStep = ({ at, by, from, reason, to }: SuggestionStep, time: Screen.Time): string =>
  `${time(at)}  ${from === null || from === to ? "" : `${from} → `}${to}, by ${oneLine(by.who)} (${by.door})${reason === null ? "" : `: ${oneLine(reason)}`}`

const showSuggestion = (
  { expiresAt, id, job, state, suggestion }: HealingSuggestion,
  steps: ReadonlyArray<SuggestionStep>,
  time: Screen.Time
) =>
  Effect.gen(function* () {
    const { category, change, description, expectedImpact, severity, targetFile, title } = suggestion
    yield* Screen.list([
      ["suggestion", oneLine(id)],
      ["job", oneLine(job)],
      ["state", yield* Screen.state(state)],
      ["expires", expiresAt === null ? undefined : time(expiresAt)],
      ["kind", `${category}, ${severity}`],
      ["title", oneLine(title)],
      ["why", oneLine(description)],
      ["change", oneLine(change)],
      ["impact", expectedImpact === null ? undefined : oneLine(expectedImpact)],
      ["file", targetFile === null ? undefined : oneLine(targetFile)],
      ["steps", steps.map((step) => showStep(step, time)).join("\n")],
      ["diff", targetFile === null ? undefined : `effect-healing diff ${id}`]
    ])
  })

const show = Command.make("show", { ...shown, id: requestId }, (options) =>
  Effect.gen(function* () {
    const source = yield* open(options)
    const time = yield* Screen.times(options)
    if (options.id.startsWith("suggestion:")) {
      const suggestion = yield* source.suggestion(options.id)
      const steps = yield* source.steps(options.id)
      return yield* options.json ? Screen.json({ suggestion, steps }) : showSuggestion(suggestion, steps, time)
    }
    const request = yield* source.request(options.id)
    return yield* options.json ? Screen.json(request) : showRequest(request, time)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("A request, or a suggestion with its steps"))

const lastReport = (found: ReadonlyArray<RequestBrief>, name: string) => {
  const [last] = found
  return last === undefined ? failed(`There is no report about ${name}`) : Effect.succeed(last.id)
}

const report = Command.make(
  "report",
  {
    ...shown,
    of: Args.text({ name: "job|id" }).pipe(Args.withDescription("A job, whose last report is meant, or a request"))
  },
  (options) =>
    Effect.gen(function* () {
      const source = yield* open(options)
      const past = isId(options.of)
        ? undefined
        : yield* source.history({ job: options.of, states: ["completed"], limit: 1 })
      const id = past === undefined ? options.of : yield* lastReport(past.requests, options.of)
      const request = yield* source.request(id)
      if (options.json) return yield* Screen.json(request)
      yield* Console.log(reportMarkdown(request))
    }).pipe(Effect.scoped)
).pipe(Command.withDescription("What a review has found, as Markdown"))

// -----------------------------------------------------------------------------
// suggestions
// -----------------------------------------------------------------------------

const suggestionStates = Options.choice("state", SuggestionState.literals).pipe(
  Options.withDescription("In this state only; it can be given several times"),
  Options.repeated
)

const after = Options.text("after").pipe(
  Options.withDescription("What stands behind the page before: its next, as --json prints it"),
  Options.optional
)

const suggestions = Command.make("suggestions", { ...shown, job, states: suggestionStates, limit, after }, (options) =>
  Effect.gen(function* () {
    const found = yield* (yield* open(options)).suggestions({
      job: Option.getOrUndefined(options.job),
      states: options.states.length === 0 ? undefined : options.states,
      limit: options.limit,
      after: Option.getOrUndefined(options.after)
    })
    if (options.json) return yield* Screen.json(found)
    const time = yield* Screen.times(options)
    const rows = yield* Effect.forEach(found.suggestions, ({ expiresAt, id, severity, state, title }) =>
      Effect.map(Screen.state(state), (shownState) => [
        oneLine(id),
        shownState,
        severity,
        time(expiresAt),
        short(title)
      ])
    )
    yield* Screen.table(["ID", "STATE", "SEVERITY", "EXPIRES", "WHAT IT SAYS"], rows, "There is no suggestion")
    if (found.next !== null) yield* Console.log(`More: --after ${found.next}`)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("What reviews propose, those of the newest review first"))

/** @internal */
export const commands = [status, jobs, queue, history, show, report, suggestions] as const
