/**
 * The API: its addresses, what each takes, and what it answers.
 *
 * @since 0.1.0
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import { VERSION } from "../internal/Version.js"
import { FinalState, HealingRequest } from "../request/HealingRequest.js"
import { HealingSuggestion, SuggestionState, SuggestionStep } from "../request/HealingSuggestion.js"
import { DeliveryState } from "../store/NoticeJournal.js"
import { Run } from "../supervisor/Evidence.js"
import * as ApiError from "./ApiError.js"
import * as Model from "./ApiModel.js"
import { CurrentCaller, Needs, type Right } from "./Rights.js"

/**
 * Lets in who may do what is asked, and only with what can be read. The layers of `HealingHttp` bring it.
 *
 * @since 0.1.0
 * @category middleware
 */
export class Admission extends HttpApiMiddleware.Tag<Admission>()("effect-healing/http/Admission", {
  provides: CurrentCaller,
  failure: Schema.Union(ApiError.AtTheDoor, ApiError.Invalid)
}) {}

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/** What is not known is refused, instead of left out without a word. */
const exactly = <Fields extends Schema.Struct.Fields>(fields: Fields) =>
  Schema.Struct(fields).annotations({ parseOptions: { onExcessProperty: "error", errors: "all" } })

const text = (description: string) => Schema.String.annotations({ description })

/** A part of a path, which may have any character in it. The router decodes what a client has encoded; Effect's client does not. */
const inPath = (description: string) =>
  Schema.transform(text(description), Schema.String, {
    strict: true,
    decode: (text) => text,
    encode: encodeURIComponent
  })

const Id = HttpApiSchema.param("id", inPath("The id of a request, such as healing:nightly-digest:7"))

const SuggestionId = HttpApiSchema.param("id", inPath("The id of a suggestion, such as suggestion:nightly-digest:7.1"))

const Job = HttpApiSchema.param("job", inPath("The name of a job"))

const limit = optional(
  Schema.NumberFromString.annotations({ description: "How many at most: 1 to 1,000; 50 if not said" })
)

const Reason = exactly({ reason: optional(text("Why, in at most 1,000 characters")) })

/** What a body may say of a decision. There need be none. */
const Why = Schema.transform(Schema.NullOr(Reason), Schema.typeSchema(Reason), {
  strict: true,
  decode: (said) => said ?? {},
  encode: (said) => said
})

const Sealed = exactly({
  seal: text("The seal of the preview that was looked at"),
  reason: optional(text("Why, in at most 1,000 characters"))
})

/** @internal */
export const Wish = exactly({
  job: text("The name of the job, of 1 to 256 characters"),
  trigger: optional(text("Why it is wanted: manual if not said")),
  runId: optional(text("Which run of the job it is about, in 1 to 256 characters")),
  priority: optional(Schema.Number.annotations({ description: "Below 0; higher goes first" })),
  maxWait: optional(text('How long it may wait for its first turn, such as "1 hour"; for ever if not said')),
  cooldown: optional(
    text('How long it waits after the last review of its job, unless it is manual, such as "10 minutes"')
  ),
  note: optional(text("For the reviewer and for people, in at most 1,000 characters"))
})

const paging = { job: optional(text("Of this job only")), limit }

const next = optional(text("The `next` of the page before"))

/** @internal */
export const PastQuery = exactly({ ...paging, state: optional(Schema.Array(FinalState)), before: next })

/** @internal */
export const SuggestionQuery = exactly({ ...paging, state: optional(Schema.Array(SuggestionState)), after: next })

/** @internal */
export const NoticeQuery = exactly({
  ...paging,
  channel: optional(text("Of this channel only")),
  state: optional(Schema.Array(DeliveryState)),
  before: optional(Schema.NumberFromString.annotations({ description: "The `next` of the page before" }))
})

/** What an endpoint does, and the right that it needs. */
const needs = (right: Right | "nothing", about: string) =>
  Context.make(Needs, right).pipe(
    Context.add(OpenApi.Description, right === "nothing" ? about : `${about} It needs the right to \`${right}\`.`)
  )

const status = HttpApiGroup.make("status")
  .annotate(OpenApi.Description, "What runs, what waits, and why.")
  .add(
    HttpApiEndpoint.get("healthz", "/healthz")
      .addSuccess(Model.ApiHealth)
      .addSuccess(Model.ApiHealth.annotations({ title: "Unhealthy" }), { status: 503 })
      .annotateContext(needs("nothing", "Whether all is well: 200, or 503. Who may not read gets only that."))
  )
  .add(
    HttpApiEndpoint.get("status", "/status")
      .addSuccess(Model.ApiStatus)
      .annotateContext(needs("read", "Who runs, who waits, what holds the head of the line up, and until when."))
  )
  .add(
    HttpApiEndpoint.get("timeline", "/timeline")
      .addSuccess(Schema.Array(Model.ApiSegment))
      .annotateContext(
        needs(
          "read",
          "What has run, waited and been under review in the last six hours: at most 2,000 segments. Of what was before the start of the process, only reviews."
        )
      )
  )
  .add(
    HttpApiEndpoint.get("problems", "/problems")
      .addSuccess(Schema.Array(Model.ApiProblem))
      .addError(ApiError.NotProvided)
      .annotateContext(needs("read", "What is wrong with policies of jobs."))
  )
  .add(
    HttpApiEndpoint.get("doctor", "/doctor")
      .addSuccess(Schema.Array(Model.ApiFinding))
      .addError(ApiError.NotProvided)
      .annotateContext(
        needs(
          "decide",
          "What could be wrong with the set-up, and what to do. It looks at files, and runs PM2 and OpenClaw for their versions."
        )
      )
  )
  .add(
    HttpApiEndpoint.get("metrics", "/metrics")
      .addSuccess(HttpApiSchema.Text({ contentType: "text/plain; version=0.0.4; charset=utf-8" }))
      .annotateContext(needs("read", "The metrics of effect-healing, in the text format of Prometheus."))
  )
  .add(
    HttpApiEndpoint.get("events", "/events")
      .setHeaders(Schema.Struct({ "last-event-id": optional(text("The id of the last event that was seen")) }))
      .addSuccess(HttpApiSchema.Text({ contentType: "text/event-stream" }))
      .addError(ApiError.TooBusy)
      .annotateContext(
        needs(
          "read",
          "What happens, as server-sent events whose data is an `ApiEvent`. A stream with `Last-Event-ID` goes on there if it can, and begins with a snapshot otherwise."
        )
      )
  )
  .middleware(Admission)

const jobs = HttpApiGroup.make("jobs")
  .annotate(OpenApi.Description, "The jobs of the supervisor.")
  .add(
    HttpApiEndpoint.get("list", "/jobs")
      .addSuccess(Schema.Array(Model.ApiJob))
      .addError(ApiError.NotProvided)
      .addError(ApiError.SupervisorSilent)
      .addError(ApiError.StoreFailed)
      .annotateContext(needs("read", "All jobs, each with its last outcome and when it is due next."))
  )
  .add(
    HttpApiEndpoint.get("get")`/jobs/${Job}`
      .addSuccess(Model.ApiJob)
      .addError(ApiError.JobNotFound)
      .addError(ApiError.NotProvided)
      .addError(ApiError.SupervisorSilent)
      .addError(ApiError.StoreFailed)
      .annotateContext(needs("read", "One job."))
  )
  .add(
    HttpApiEndpoint.get("runs")`/jobs/${Job}/runs`
      .addSuccess(Schema.Array(Run))
      .addError(ApiError.JobNotFound)
      .addError(ApiError.NotProvided)
      .addError(ApiError.SupervisorSilent)
      .annotateContext(needs("read", "The last 50 runs of a job that its supervisor knows of, the newest first."))
  )
  .add(
    HttpApiEndpoint.get("occurrences")`/jobs/${Job}/occurrences`
      .addSuccess(Schema.Array(Model.ApiOccurrence))
      .addError(ApiError.NotProvided)
      .addError(ApiError.StoreFailed)
      .annotateContext(needs("read", "What has come of the schedule of a job, and why nothing has; the last 100."))
  )
  .add(
    HttpApiEndpoint.post("cancel")`/jobs/${Job}/cancel`
      .addSuccess(Schema.Array(HealingRequest))
      .addError(ApiError.Invalid)
      .addError(ApiError.StoreFailed)
      .annotateContext(
        needs("cancel", "Cancels the requests of a job that wait and run. The answer has those that were cancelled.")
      )
  )
  .add(
    HttpApiEndpoint.post("unlock")`/jobs/${Job}/unlock`
      .setPayload(Why)
      .addError(ApiError.Asked)
      .annotateContext(needs("stop", "Lets rules apply something to a job again."))
  )
  .middleware(Admission)

const requests = HttpApiGroup.make("requests")
  .annotate(OpenApi.Description, "Durable requests for reviews.")
  .add(
    HttpApiEndpoint.get("queue", "/queue")
      .setUrlParams(
        exactly({
          limit,
          offset: optional(Schema.NumberFromString.annotations({ description: "How many of the first to leave out" }))
        })
      )
      .addSuccess(Model.QueuePage)
      .addError(ApiError.Invalid)
      .annotateContext(needs("read", "What runs, then what waits, in the order of turns."))
  )
  .add(
    HttpApiEndpoint.post("pause", "/queue/pause")
      .addError(ApiError.StoreFailed)
      .annotateContext(needs("pause", "Lets no further review of a request begin, not even after a restart."))
  )
  .add(
    HttpApiEndpoint.post("resume", "/queue/resume")
      .addError(ApiError.StoreFailed)
      .annotateContext(needs("pause", "Ends a pause, and a rate limit as well."))
  )
  .add(
    HttpApiEndpoint.get("history", "/history")
      .setUrlParams(PastQuery)
      .addSuccess(Model.HistoryPage)
      .addError(ApiError.Invalid)
      .addError(ApiError.StoreFailed)
      .annotateContext(needs("read", "What has ended, the newest first."))
  )
  .add(
    HttpApiEndpoint.post("heal", "/requests")
      .setPayload(Wish)
      .addSuccess(Model.ApiSubmission, { status: 202 })
      .addError(ApiError.Invalid)
      .addError(ApiError.QueueFull)
      .addError(ApiError.JobNotFound)
      .addError(ApiError.SupervisorSilent)
      .addError(ApiError.StoreFailed)
      .annotateContext(needs("heal", "Asks for a review, which is on disk when it answers. It does not wait for it."))
  )
  .add(
    HttpApiEndpoint.get("get")`/requests/${Id}`
      .setUrlParams(
        exactly({ wait: optional(text('For how long to wait for its end, at most "60s"; not at all if not said')) })
      )
      .addSuccess(HealingRequest)
      .addError(ApiError.Invalid)
      .addError(ApiError.NotFound)
      .addError(ApiError.StoreFailed)
      .annotateContext(needs("read", "One request with its report, as it is now, or at its end if that comes in time."))
  )
  .add(
    HttpApiEndpoint.post("cancel")`/requests/${Id}/cancel`
      .addSuccess(Schema.Array(HealingRequest))
      .addError(ApiError.Invalid)
      .addError(ApiError.StoreFailed)
      .annotateContext(needs("cancel", "Cancels a request. The answer has it, unless it has come to its end first."))
  )
  .middleware(Admission)

const suggestions = HttpApiGroup.make("suggestions")
  .annotate(OpenApi.Description, "What reviews propose, and what becomes of it.")
  .add(
    HttpApiEndpoint.get("list", "/suggestions")
      .setUrlParams(SuggestionQuery)
      .addSuccess(Model.SuggestionPage)
      .addError(ApiError.Asked)
      .annotateContext(needs("read", "Suggestions, those of the newest review first."))
  )
  .add(
    HttpApiEndpoint.get("locks", "/suggestions/locks")
      .addSuccess(Schema.Array(Model.ApiLock))
      .addError(ApiError.NotProvided)
      .addError(ApiError.StoreFailed)
      .annotateContext(needs("read", "The jobs to which rules apply nothing."))
  )
  .add(
    HttpApiEndpoint.get("rehearse", "/suggestions/rehearsal")
      .setUrlParams(
        exactly({
          since: optional(
            Schema.NumberFromString.annotations({ description: "In milliseconds since 1970; 30 days ago if not said" })
          )
        })
      )
      .addSuccess(Schema.Array(Model.ApiRehearsed))
      .addError(ApiError.Asked)
      .annotateContext(needs("read", "What the rules of the settings would have done."))
  )
  .add(
    HttpApiEndpoint.post("stop", "/suggestions/stop")
      .setPayload(Why)
      .addError(ApiError.Asked)
      .annotateContext(needs("stop", "Lets nothing be applied any more."))
  )
  .add(
    HttpApiEndpoint.post("resume", "/suggestions/resume")
      .setPayload(Why)
      .addError(ApiError.Asked)
      .annotateContext(needs("stop", "Lets suggestions be applied again."))
  )
  .add(
    HttpApiEndpoint.get("get")`/suggestions/${SuggestionId}`
      .addSuccess(HealingSuggestion)
      .addError(ApiError.AskedOfOne)
      .annotateContext(needs("read", "One suggestion."))
  )
  .add(
    HttpApiEndpoint.get("steps")`/suggestions/${SuggestionId}/steps`
      .addSuccess(Schema.Array(SuggestionStep))
      .addError(ApiError.Asked)
      .annotateContext(needs("read", "What has happened to a suggestion, the oldest first."))
  )
  .add(
    HttpApiEndpoint.get("preview")`/suggestions/${SuggestionId}/preview`
      .setUrlParams(
        exactly({ bigDeletion: optional(Schema.BooleanFromString), restart: optional(Schema.BooleanFromString) })
      )
      .addSuccess(Model.ApiPreview)
      .addError(ApiError.AskedOfOne)
      .annotateContext(
        needs("decide", "What it would change now, with every check and the seal that an approval needs.")
      )
  )
  .add(
    HttpApiEndpoint.post("approve")`/suggestions/${SuggestionId}/approve`
      .setPayload(Sealed)
      .addSuccess(HealingSuggestion)
      .addError(ApiError.Undecided)
      .addError(ApiError.Stale)
      .addError(ApiError.Refused)
      .annotateContext(needs("decide", "Approves exactly what the preview with this seal has shown."))
  )
  .add(
    HttpApiEndpoint.post("withdraw")`/suggestions/${SuggestionId}/withdraw`
      .setPayload(Why)
      .addSuccess(HealingSuggestion)
      .addError(ApiError.Undecided)
      .annotateContext(needs("decide", "Takes an approval back; it can be decided on anew."))
  )
  .add(
    HttpApiEndpoint.post("reject")`/suggestions/${SuggestionId}/reject`
      .setPayload(Why)
      .addSuccess(HealingSuggestion)
      .addError(ApiError.Undecided)
      .annotateContext(needs("decide", "Rejects it."))
  )
  .add(
    HttpApiEndpoint.post("apply")`/suggestions/${SuggestionId}/apply`
      .setPayload(Why)
      .addSuccess(HealingSuggestion)
      .addError(ApiError.Undecided)
      .addError(ApiError.Stale)
      .addError(ApiError.Refused)
      .addError(ApiError.Stopped)
      .addError(ApiError.Busy)
      .addError(ApiError.NotWritten)
      .addError(ApiError.NotRestarted)
      .annotateContext(
        needs(
          "apply",
          "Writes what was approved. It waits for the end of a run of the job, and leaves off if its client goes."
        )
      )
  )
  .add(
    HttpApiEndpoint.post("rollback")`/suggestions/${SuggestionId}/rollback`
      .setPayload(Why)
      .addSuccess(HealingSuggestion)
      .addError(ApiError.Undecided)
      .addError(ApiError.Refused)
      .addError(ApiError.Edited)
      .addError(ApiError.NotWritten)
      .addError(ApiError.NotRestarted)
      .annotateContext(needs("rollback", "Brings the file back to what it was."))
  )
  .middleware(Admission)

const Muted = exactly({
  job: optional(text("The name of a job")),
  signature: optional(text("The signature of a failure, as its notice has it"))
})

const notices = HttpApiGroup.make("notices")
  .annotate(OpenApi.Description, "What people are told, and through which channels.")
  .add(
    HttpApiEndpoint.get("list", "/notices")
      .setUrlParams(NoticeQuery)
      .addSuccess(Model.NoticePage)
      .addError(ApiError.Asked)
      .annotateContext(needs("read", "What was told and is to be told, the newest first."))
  )
  .add(
    HttpApiEndpoint.get("channels", "/notices/channels")
      .addSuccess(Schema.Array(Model.ApiChannel))
      .addError(ApiError.NotProvided)
      .addError(ApiError.StoreFailed)
      .annotateContext(needs("read", "The channels, without their addresses."))
  )
  .add(
    HttpApiEndpoint.get("muted", "/notices/muted")
      .addSuccess(Schema.Array(Model.ApiMute))
      .addError(ApiError.NotProvided)
      .addError(ApiError.StoreFailed)
      .annotateContext(needs("read", "What nothing is told of now, the soonest to end first."))
  )
  .add(
    HttpApiEndpoint.post("mute", "/notices/mute")
      .setPayload(exactly({ ...Muted.fields, for: text('For how long, such as "2 hours"; a year at most') }))
      .addSuccess(Model.ApiMute)
      .addError(ApiError.Asked)
      .annotateContext(needs("notify", "Lets nothing be told of a job, or of a failure, for a time."))
  )
  .add(
    HttpApiEndpoint.post("unmute", "/notices/unmute")
      .setPayload(Muted)
      .addError(ApiError.Asked)
      .annotateContext(needs("notify", "Lets it be told of again."))
  )
  .add(
    HttpApiEndpoint.post("test", "/notices/test")
      .setPayload(exactly({ channel: optional(text("The name of a channel; all of them if not said")) }))
      .addSuccess(Schema.Array(Model.ApiTrial))
      .addError(ApiError.Invalid)
      .addError(ApiError.NotProvided)
      .annotateContext(needs("notify", "Sends a trial, and answers with what has come of it."))
  )
  .middleware(Admission)

const page = HttpApiGroup.make("page")
  .annotate(OpenApi.Description, "Who looks at the page.")
  .add(
    HttpApiEndpoint.get("caller", "/caller")
      .addSuccess(Model.ApiCaller)
      .annotateContext(needs("nothing", "Who asks, and what they may do."))
  )
  .add(
    HttpApiEndpoint.post("link", "/page/link")
      .addSuccess(Model.ApiLink)
      .addError(ApiError.NotProvided)
      .addError(ApiError.NotPermitted)
      .annotateContext(
        needs(
          "decide",
          "Makes a link to the page, good once and for two minutes. It is made over the Unix socket only."
        )
      )
  )
  .add(
    HttpApiEndpoint.post("open", "/page/session")
      .setPayload(exactly({ code: text("The code in the link") }))
      .addSuccess(Model.ApiSession)
      .addError(ApiError.NotProvided)
      .addError(ApiError.LinkSpent)
      .annotateContext(needs("nothing", "Takes the code of a link, and gives a session for it."))
  )
  .middleware(Admission)

/**
 * The API, of which `HttpApiClient` makes a typed client and `OpenApi` a description.
 *
 * @example
 * ```ts
 * import { FetchHttpClient, HttpApiClient, HttpClient, HttpClientRequest } from "@effect/platform"
 * import { Console, Effect } from "effect"
 * import { HealingApi } from "effect-healing/http"
 *
 * const program = Effect.gen(function* () {
 *   const client = yield* HttpApiClient.make(HealingApi, {
 *     baseUrl: "http://127.0.0.1:9877",
 *     transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken("the content of the token's file"))
 *   })
 *   const { id } = yield* client.requests.heal({ payload: { job: "nightly-digest" } })
 *   const { report, state } = yield* client.requests.get({ path: { id }, urlParams: { wait: "60s" } })
 *   yield* Console.log(state, report?.summary)
 * }).pipe(Effect.provide(FetchHttpClient.layer))
 * ```
 *
 * @since 0.1.0
 * @category api
 */
export class HealingApi extends HttpApi.make("effect-healing")
  .add(status)
  .add(jobs)
  .add(requests)
  .add(suggestions)
  .add(notices)
  .add(page)
  .annotate(OpenApi.Title, "effect-healing")
  .annotate(OpenApi.Version, VERSION)
  .annotate(
    OpenApi.Description,
    "AI reviews of supervised jobs, as the lowest-priority work there is. Times are milliseconds since 1970. Each error is JSON with its `_tag` and a `message`."
  ) {}
