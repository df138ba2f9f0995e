/**
 * What the API tells, as it stands in an answer. Times are milliseconds since 1970, and names ending in `Ms` are durations in milliseconds.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Finding } from "../doctor/Finding.js"
import { Notice } from "../notify/Notice.js"
import { EvidencePart } from "../policy/HealingPolicy.js"
import { OutputRule } from "../policy/RunRule.js"
import { HealingRequest, JobName, RequestState } from "../request/HealingRequest.js"
import { HealingSuggestion, SuggestionState } from "../request/HealingSuggestion.js"
import { Suggestion } from "../request/Report.js"
import { DeliveryState } from "../store/NoticeJournal.js"
import { Right } from "./Rights.js"

const Millis = Schema.Int

const { report: _report, ...briefly } = HealingRequest.fields

/**
 * A request without its report, as it stands in lists and events.
 *
 * - `summary`: the beginning of the summary of its report, at most 1,000 characters; `null` if it has none.
 *
 * @since 0.1.0
 * @category schemas
 */
export const RequestBrief = Schema.Struct({ ...briefly, summary: Schema.NullOr(Schema.String) })

/**
 * @since 0.1.0
 * @category models
 */
export interface RequestBrief extends Schema.Schema.Type<typeof RequestBrief> {}

/**
 * A suggestion without its texts, as it stands in lists and events.
 *
 * @since 0.1.0
 * @category schemas
 */
export const SuggestionBrief = Schema.Struct({
  id: Schema.String,
  job: JobName,
  state: SuggestionState,
  title: Schema.String,
  category: Suggestion.fields.category,
  severity: Suggestion.fields.severity,
  targetFile: Schema.NullOr(Schema.String),
  set: Schema.NullOr(Schema.String),
  proposedAt: Millis,
  changedAt: Millis,
  expiresAt: Schema.NullOr(Millis),
  by: HealingSuggestion.fields.by,
  reason: Schema.NullOr(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface SuggestionBrief extends Schema.Schema.Type<typeof SuggestionBrief> {}

/**
 * One thing that holds a healing up.
 *
 * - `_tag`: what kind of thing, as in `HeldBy`.
 * - `message`: the same in words.
 * - `until`: when it ends, if that is known.
 * - `names`: the jobs, the sources that do not know, or the jobs under review; at most 100.
 *
 * @since 0.1.0
 * @category schemas
 */
export const HoldUp = Schema.Struct({
  _tag: Schema.String,
  message: Schema.String,
  until: Schema.NullOr(Millis),
  names: Schema.Array(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface HoldUp extends Schema.Schema.Type<typeof HoldUp> {}

const inLine = { job: Schema.String, priority: Schema.Number, yields: Schema.Int }

/**
 * What runs, what waits, and why.
 *
 * - `start`: which run of the process this is: the first part of the ids of its events.
 * - `at`: when it was so.
 * - `enabled`: whether anything is started at all.
 * - `waiting`: how many wait for their turn; `line`: the first 100 of them, in the order of their turns.
 * - `running`: those who have a turn.
 * - `heldBy`: what holds up the first one who waits; `holds`: what holds back the queue as a whole.
 * - `openClaw`: the OpenClaw jobs that run, and the sources that do not know what runs.
 * - `quotas`: what is left of the quotas of the providers of models, as far as somebody has told of it.
 * - `next`: which job is due next by the clock; `null` if none is, or if there is no scheduler.
 * - `stopped`: what stops applications of suggestions; `locked`: the jobs to which rules apply nothing.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiStatus = Schema.Struct({
  start: Schema.String,
  at: Millis,
  enabled: Schema.Boolean,
  waiting: Schema.Int,
  line: Schema.Array(Schema.Struct({ ...inLine, waitedMs: Schema.Int })),
  running: Schema.Array(Schema.Struct({ ...inLine, runningMs: Schema.Int })),
  heldBy: Schema.Array(HoldUp),
  holds: Schema.Array(HoldUp),
  openClaw: Schema.Struct({
    jobs: Schema.Array(Schema.Struct({ job: Schema.String, instances: Schema.Int })),
    unknown: Schema.Array(Schema.Struct({ name: Schema.String, reason: Schema.String }))
  }),
  quotas: Schema.Array(
    Schema.Struct({
      provider: Schema.String,
      window: Schema.String,
      usedPercent: Schema.Number,
      resetsAt: Schema.NullOr(Schema.Number)
    })
  ),
  next: Schema.NullOr(Schema.Struct({ job: Schema.String, at: Millis })),
  stopped: Schema.Array(Schema.Struct({ by: Schema.String, message: Schema.String })),
  locked: Schema.Array(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ApiStatus extends Schema.Schema.Type<typeof ApiStatus> {}

/**
 * Whether all is well. Who has no right to `read` gets only the first field.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiHealth = Schema.Struct({
  healthy: Schema.Boolean,
  problems: Schema.optionalWith(
    Schema.Array(Schema.Struct({ _tag: Schema.String, message: Schema.String, restartHelps: Schema.Boolean })),
    { exact: true }
  ),
  lastCommit: Schema.optionalWith(Schema.NullOr(Millis), { exact: true }),
  lastReview: Schema.optionalWith(Schema.NullOr(Millis), { exact: true }),
  oldestPending: Schema.optionalWith(Schema.NullOr(Millis), { exact: true })
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ApiHealth extends Schema.Schema.Type<typeof ApiHealth> {}

/**
 * What is wrong with the policy of a job: where, and what would be right.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiProblem = Schema.Struct({ job: Schema.String, key: Schema.String, expected: Schema.String })

/**
 * @since 0.1.0
 * @category models
 */
export interface ApiProblem extends Schema.Schema.Type<typeof ApiProblem> {}

/**
 * The policy of a job that is in force, as in `HealingPolicy`; what was left out has its default.
 *
 * - `schedule`: in words, such as `weekly on friday at 09:00 in Europe/Berlin`; `null` without one.
 * - `cooldownMs`: its own, or that of the settings.
 * - `priority`: its own; `null` for that of the settings.
 * - `expectedEveryMs`, `maxDurationMs`, `minDurationMs`, `output`: what its runs have to be like; `null` for what is not said.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiPolicy = Schema.Struct({
  enabled: Schema.Boolean,
  triggers: Schema.Array(Schema.String),
  schedule: Schema.NullOr(Schema.String),
  minRuns: Schema.Int,
  cooldownMs: Schema.Int,
  priority: Schema.NullOr(Schema.Number),
  scope: Schema.Array(EvidencePart),
  expectedEveryMs: Schema.NullOr(Schema.Int),
  maxDurationMs: Schema.NullOr(Schema.Int),
  minDurationMs: Schema.NullOr(Schema.Int),
  output: Schema.NullOr(OutputRule)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ApiPolicy extends Schema.Schema.Type<typeof ApiPolicy> {}

/**
 * A job of the supervisor.
 *
 * - `id`, `kind`, `openClaw`, `alwaysUp`, `canRestart`: as in `JobInfo`.
 * - `running`: how many instances of it hold reviews up now.
 * - `reviews`: its requests that run or wait.
 * - `last`: its request that ended last, but for those that were coalesced.
 * - `nextDueAt`: when it is due next by the clock, if it is among the next 100.
 * - `policy`: its policy in force; `null` if it is wrong, so that only a person has the job reviewed, or if nothing runs that knows it.
 * - `problems`: what is wrong with its policy.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiJob = Schema.Struct({
  id: JobName,
  kind: Schema.String,
  openClaw: Schema.Boolean,
  alwaysUp: Schema.Boolean,
  canRestart: Schema.Boolean,
  running: Schema.Int,
  reviews: Schema.Array(Schema.Struct({ id: Schema.String, state: RequestState })),
  last: Schema.NullOr(RequestBrief),
  nextDueAt: Schema.NullOr(Millis),
  policy: Schema.NullOr(ApiPolicy),
  problems: Schema.Array(ApiProblem)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ApiJob extends Schema.Schema.Type<typeof ApiJob> {}

/**
 * Something that went on for a time.
 *
 * - `id`: one that comes again with the same id has changed. Ids are of one process.
 * - `kind`: `run`, a run of a job; `review`, a review; `waiting`, a job in the line of reviews; `unknown`, a source of which it is not known
 *   what runs there, which holds reviews up as well.
 * - `name`: of the job, or of the source.
 * - `to`: `null` while it goes on.
 * - `outcome`: of a run that has ended, if that is known.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiSegment = Schema.Struct({
  id: Schema.Int,
  kind: Schema.Literal("run", "review", "waiting", "unknown"),
  name: Schema.String,
  from: Millis,
  to: Schema.NullOr(Millis),
  outcome: Schema.NullOr(Schema.Literal("succeeded", "failed", "stopped"))
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ApiSegment extends Schema.Schema.Type<typeof ApiSegment> {}

/**
 * What could be wrong with the set-up.
 *
 * - `check`: what was looked at, such as `disk`.
 * - `outcome`: `ok`; `warn`, what works and may not for long, or not as one thinks; `fail`, what does not work.
 * - `message`: what was found, and what it means; `todo`: what to do about it, if there is something to do.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiFinding = Schema.Struct(Finding.fields)

/**
 * @since 0.1.0
 * @category models
 */
export interface ApiFinding extends Schema.Schema.Type<typeof ApiFinding> {}

/**
 * What has come of an occurrence of a schedule, as in `Occurrence`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiOccurrence = Schema.Struct({
  job: Schema.String,
  first: Millis,
  at: Millis,
  schedule: Schema.String,
  request: Schema.NullOr(Schema.Int),
  reason: Schema.NullOr(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ApiOccurrence extends Schema.Schema.Type<typeof ApiOccurrence> {}

/**
 * What has become of a wish for a review, as in `Submission`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiSubmission = Schema.Struct({
  _tag: Schema.Literal("Accepted", "Coalesced"),
  id: Schema.String,
  notBefore: Schema.NullOr(Millis)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ApiSubmission extends Schema.Schema.Type<typeof ApiSubmission> {}

/**
 * What runs and waits, in the order of turns.
 *
 * - `total`: how many there are in all.
 *
 * @since 0.1.0
 * @category schemas
 */
export const QueuePage = Schema.Struct({ total: Schema.Int, requests: Schema.Array(RequestBrief) })

/**
 * A page of the past, the newest first.
 *
 * - `next`: what to ask for the next page with, as `before`; `null` at the end.
 *
 * @since 0.1.0
 * @category schemas
 */
export const HistoryPage = Schema.Struct({ requests: Schema.Array(RequestBrief), next: Schema.NullOr(Schema.String) })

/**
 * A page of suggestions, those of the newest review first.
 *
 * - `next`: what to ask for the next page with, as `after`; `null` at the end.
 *
 * @since 0.1.0
 * @category schemas
 */
export const SuggestionPage = Schema.Struct({
  suggestions: Schema.Array(SuggestionBrief),
  next: Schema.NullOr(Schema.String)
})

/**
 * What suggestions would change now, as in `Preview`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiPreview = Schema.Struct({
  id: Schema.String,
  members: Schema.Array(
    Schema.Struct({
      suggestion: HealingSuggestion,
      path: Schema.NullOr(Schema.String),
      diff: Schema.NullOr(Schema.String),
      added: Schema.Int,
      removed: Schema.Int,
      losses: Schema.Array(Schema.String),
      checks: Schema.Array(Schema.Struct({ check: Schema.String, passed: Schema.Boolean, detail: Schema.String }))
    })
  ),
  bigDeletion: Schema.Boolean,
  restart: Schema.Boolean,
  seal: Schema.NullOr(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ApiPreview extends Schema.Schema.Type<typeof ApiPreview> {}

/**
 * What rules would have done with a suggestion, as in `Rehearsed`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiRehearsed = Schema.Struct({
  suggestion: SuggestionBrief,
  outcome: Schema.Literal("applied", "left", "unknown"),
  rule: Schema.NullOr(Schema.String),
  why: Schema.Array(Schema.String)
})

/**
 * A job to which rules apply nothing, as in `AutomaticLock`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiLock = Schema.Struct({
  job: Schema.String,
  suggestion: Schema.String,
  rule: Schema.String,
  at: Millis
})

/**
 * A notice on its way through one channel; one that was sent or has failed is at its end.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiNotice = Schema.Struct({
  number: Schema.Int,
  notice: Notice,
  channel: Schema.String,
  createdAt: Millis,
  state: DeliveryState,
  attempts: Schema.Int,
  nextTry: Schema.NullOr(Millis),
  endedAt: Schema.NullOr(Millis),
  reason: Schema.NullOr(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ApiNotice extends Schema.Schema.Type<typeof ApiNotice> {}

/**
 * Notices, the newest first. `next` is the `before` of the next page; `null` at the end.
 *
 * @since 0.1.0
 * @category schemas
 */
export const NoticePage = Schema.Struct({ notices: Schema.Array(ApiNotice), next: Schema.NullOr(Schema.Int) })

/**
 * A channel, without its address: how many notices wait for it, and why the last try has failed, if it has.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiChannel = Schema.Struct({
  name: Schema.String,
  type: Schema.String,
  pending: Schema.Int,
  trouble: Schema.NullOr(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ApiChannel extends Schema.Schema.Type<typeof ApiChannel> {}

/**
 * What nothing is told of until then.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiMute = Schema.Struct({
  job: Schema.NullOr(JobName),
  signature: Schema.NullOr(Schema.String),
  at: Millis,
  until: Millis,
  by: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ApiMute extends Schema.Schema.Type<typeof ApiMute> {}

/**
 * What has come of a trial; `problem` says why it was not sent.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiTrial = Schema.Struct({ channel: Schema.String, problem: Schema.NullOr(Schema.String) })

/**
 * @since 0.1.0
 * @category models
 */
export interface ApiTrial extends Schema.Schema.Type<typeof ApiTrial> {}

/**
 * Who asks, as the door knows it.
 *
 * - `name`, `door`: what is written down with each of their decisions.
 * - `rights`: what they may do.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiCaller = Schema.Struct({ name: Schema.String, door: Schema.String, rights: Schema.Array(Right) })

/**
 * @since 0.1.0
 * @category models
 */
export interface ApiCaller extends Schema.Schema.Type<typeof ApiCaller> {}

/**
 * A link to the page, which is good once.
 *
 * - `url`: with a code in its fragment, which browsers do not send.
 * - `until`: when it ends, used or not.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiLink = Schema.Struct({ url: Schema.String, until: Millis })

/**
 * A session of the page.
 *
 * - `session`: what to send as `Authorization: Bearer <session>` from now on. It ends after 12 hours without use, after a
 *   week, and with the process.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiSession = Schema.Struct({ session: Schema.String, caller: ApiCaller })
