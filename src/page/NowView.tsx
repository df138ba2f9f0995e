/**
 * What runs, who waits and why, and the last hours.
 *
 * @internal
 */
import type { VNode } from "preact"
import type { ApiSegment, ApiStatus, HoldUp, QueuePage, RequestBrief } from "../http/ApiModel.js"
import { quotaInWords } from "../running/Quota.js"
import { Act } from "./Act.js"
import { Answer, useAsked } from "./Asked.js"
import { JobLink, RequestLink, SuggestionLink } from "./Links.js"
import { usePage } from "./Page.js"
import { type Route, to, valuesOf } from "./Route.js"
import { Shown } from "./Shown.js"
import { Timeline } from "./Timeline.js"
import { Instant, Lasting, Problem } from "./Words.js"

type Queue = typeof QueuePage.Type

const Until = ({ at }: { readonly at: number | null }) =>
  at === null ? null : (
    <>
      , until <Instant at={at} />
    </>
  )

const HoldUps = ({ all }: { readonly all: ReadonlyArray<HoldUp> }) => (
  <>
    {all.map(({ _tag, message, until }, index) => (
      <span key={_tag}>
        {index === 0 ? "" : "; "}
        <Shown text={message} />
        <Until at={until} />
      </span>
    ))}
  </>
)

/** By its job: the line of those who wait does not name requests, of which a job has one at most that waits. */
const requestOf = (queue: Queue, job: string, state: RequestBrief["state"]): RequestBrief | undefined =>
  queue.requests.find((request) => request.job === job && request.state === state)

const InReview = ({ queue, status }: { readonly queue: Queue; readonly status: ApiStatus }) => (
  <section aria-labelledby="in-review">
    <h2 id="in-review">Under review</h2>
    {status.running.length === 0 ? <p class="quiet">Nothing is under review.</p> : null}
    <ul class="cards">
      {status.running.map(({ job, runningMs }) => (
        <li key={job} class="card go">
          <JobLink job={job} /> for <Lasting from={status.at - runningMs} to={null} />
          <Wish request={requestOf(queue, job, "running")} />
        </li>
      ))}
    </ul>
  </section>
)

/** What is written down of a request. There is none of what the app itself waits for. */
const Wish = ({ request }: { readonly request: RequestBrief | undefined }) => {
  const { api } = usePage()
  if (request === undefined) return null
  return (
    <>
      <p class="quiet">
        because of {request.triggers.join(", ")}: <RequestLink id={request.id} />
        {request.waitUntil === null || request.state !== "pending" ? null : (
          <>
            , given up <Instant at={request.waitUntil} />
          </>
        )}
      </p>
      <Act
        key={request.id}
        label="Cancel"
        right="cancel"
        sure="Nobody reviews it then, until it is asked for again."
        asksWhy={false}
        act={() => api.requests.cancel({ path: { id: request.id } })}
      />
    </>
  )
}

/** Why somebody waits: the first one for what holds the line up, and everybody else for those before them. */
const Why = ({ index, status: { heldBy, line } }: { readonly index: number; readonly status: ApiStatus }) => {
  if (index > 0)
    return (
      <p>
        {index === 1 ? "After " : `After ${index} others, the first of which is `}
        <Shown text={line[0]?.job ?? ""} />.
      </p>
    )
  return heldBy.length === 0 ? (
    <p>Its turn comes now.</p>
  ) : (
    <p>
      Held up by <HoldUps all={heldBy} />.
    </p>
  )
}

/** Those that wait for something else than their turn, such as the end of their cooldown. */
const later = ({ requests }: Queue, { at, line }: ApiStatus): ReadonlyArray<RequestBrief> => {
  const inLine = new Set(line.map(({ job }) => job))
  return requests.filter(
    ({ job, notBefore, state }) => state === "pending" && notBefore !== null && notBefore > at && !inLine.has(job)
  )
}

const Waiting = ({ queue, status }: { readonly queue: Queue; readonly status: ApiStatus }) => {
  const others = later(queue, status)
  const { holds, line, waiting } = status
  // Those of whom only the number is told.
  const unseen = Math.max(waiting - line.length, queue.total - queue.requests.length)
  return (
    <section aria-labelledby="waiting">
      <h2 id="waiting">Waiting ({line.length + others.length + unseen})</h2>
      {waiting + others.length === 0 ? <p class="quiet">Nobody waits for a review.</p> : null}
      <ol class="cards">
        {line.map(({ job, waitedMs }, index) => {
          // A job that stands there twice has one request at most; the other one is asked for by the app itself.
          const before = line.slice(0, index).filter((one) => one.job === job).length
          return (
            <li key={`${before} ${job}`} class="card wait">
              <JobLink job={job} /> for <Lasting from={status.at - waitedMs} to={null} />
              <Why index={index} status={status} />
              <Wish request={before === 0 ? requestOf(queue, job, "pending") : undefined} />
            </li>
          )
        })}
        {others.map((request) => (
          <li key={request.id} class="card wait">
            <JobLink job={request.job} />
            <p>
              Not before <Instant at={request.notBefore ?? status.at} />
              {request.reason === null ? "" : ": "}
              <Shown text={request.reason ?? ""} />.
            </p>
            <Wish request={request} />
          </li>
        ))}
      </ol>
      {unseen > 0 ? <p class="quiet">and {unseen} more</p> : null}
      {waiting === 0 && holds.length > 0 ? (
        <p class="held">
          Whoever comes next is held up by <HoldUps all={holds} />.
        </p>
      ) : null}
    </section>
  )
}

/** When the oldest run of a job has begun that goes on, as far as the timeline knows it. */
const runningSince = (segments: Iterable<ApiSegment>, job: string): number | undefined => {
  const begun = Array.from(segments)
    .filter(({ kind, name, to }) => kind === "run" && to === null && name === job)
    .map(({ from }) => from)
  return begun.length === 0 ? undefined : Math.min(...begun)
}

const RunningFor = ({ job }: { readonly job: string }) => {
  const since = runningSince(usePage().live.value.segments.values(), job)
  return since === undefined ? null : (
    <>
      {" "}
      for <Lasting from={since} to={null} />
    </>
  )
}

const Running = ({ openClaw }: ApiStatus) => (
  <section aria-labelledby="running">
    <h2 id="running">OpenClaw jobs that run ({openClaw.jobs.length})</h2>
    {openClaw.jobs.length + openClaw.unknown.length === 0 ? <p class="quiet">None: OpenClaw is idle.</p> : null}
    <ul class="cards">
      {openClaw.jobs.map(({ instances, job }) => (
        <li key={job} class="card">
          <JobLink job={job} />
          {instances === 1 ? "" : ` (${instances} at once)`}
          <RunningFor job={job} />
        </li>
      ))}
      {openClaw.unknown.map(({ name, reason }) => (
        <li key={name} class="card wait">
          It is not known what runs under <Shown text={name} />: <Shown text={reason} />
        </li>
      ))}
    </ul>
  </section>
)

const Controls = ({ status }: { readonly status: ApiStatus }) => {
  const { api } = usePage()
  const isPaused = status.holds.some(({ _tag }) => _tag === "Paused")
  // What a setting or a file stops is not for this page to let go on.
  const isStopped = status.stopped.some(({ by }) => by === "person")
  return (
    <section aria-labelledby="controls">
      <h2 id="controls">Reviews and changes</h2>
      <p>
        {status.enabled ? "Reviews are on" : "Reviews are switched off"}
        {isPaused ? ", and paused" : ""}. {status.next === null ? "No job is due by the clock." : null}
        {status.next === null ? null : (
          <>
            <JobLink job={status.next.job} /> is due by the clock, <Instant at={status.next.at} />.
          </>
        )}
      </p>
      {status.stopped.map(({ by, message }) => (
        <p key={by} class="held">
          <Shown text={message} />
        </p>
      ))}
      {status.locked.length === 0 ? null : (
        <p class="held">
          Rules apply nothing to{" "}
          {status.locked.map((job, index) => (
            <span key={job}>
              {index === 0 ? "" : ", "}
              <JobLink job={job} />
            </span>
          ))}
          .
        </p>
      )}
      {status.quotas.map((quota) => (
        <p key={`${quota.provider} ${quota.window}`}>
          <Shown text={quotaInWords(quota, "")} />
          <Until at={quota.resetsAt} />
        </p>
      ))}
      <div class="row">
        {/* Each is a button of its own: what somebody is about to say yes to does not become its opposite. */}
        <Act
          key="pause"
          label="Pause reviews"
          right="pause"
          sure="No further review of a request begins, not even after a restart, until somebody lets them go on."
          asksWhy={false}
          act={() => api.requests.pause()}
          isOffered={!isPaused}
        />
        <Act
          key="resume"
          label="Let reviews go on"
          right="pause"
          sure="Reviews of requests begin again, after a rate limit as well."
          asksWhy={false}
          act={() => api.requests.resume()}
          isOffered={isPaused}
        />
        <Act
          key="stop"
          label="Stop all changes"
          right="stop"
          sure="No suggestion is applied any more, by nobody, until somebody lets it go on."
          act={(why) => api.suggestions.stop({ payload: why })}
          isOffered={!isStopped}
        />
        <Act
          key="go-on"
          label="Let changes go on"
          right="stop"
          sure="Suggestions that are approved can be applied again, and rules apply theirs. What a setting or a file stops stays stopped."
          act={(why) => api.suggestions.resume({ payload: why })}
          isOffered={isStopped}
        />
      </div>
    </section>
  )
}

/** What waits for a decision, the newest first. */
const ToDecide = () => {
  const { api } = usePage()
  const urlParams = { state: UNDECIDED, limit: MOST_TO_DECIDE }
  const asked = useAsked("to decide", api.suggestions.list({ urlParams }), ["suggestions"])
  return (
    <section aria-labelledby="to-decide">
      <h2 id="to-decide">To decide</h2>
      <Answer asked={asked}>
        {({ next, suggestions }) => (
          <>
            {suggestions.length === 0 ? <p class="quiet">No suggestion waits for a decision.</p> : null}
            <ul class="cards">
              {suggestions.map((suggestion) => (
                <li key={suggestion.id} class="card">
                  <SuggestionLink suggestion={suggestion} />
                </li>
              ))}
            </ul>
            {next === null ? null : (
              <a
                href={to(
                  "suggestions",
                  undefined,
                  UNDECIDED.map((state) => ["state", state] as const)
                )}
              >
                and more
              </a>
            )}
          </>
        )}
      </Answer>
    </section>
  )
}

const UNDECIDED = ["pending", "approved"] as const

const MOST_TO_DECIDE = 10

const SPANS = [
  ["10 minutes", 10],
  ["hour", 60],
  ["6 hours", 360]
] as const

const minutesOf = (route: Route): number => {
  const [given] = valuesOf(route, "minutes")
  return SPANS.find(([, minutes]) => String(minutes) === given)?.[1] ?? 60
}

/** What runs and waits, of which the status tells the line, and the queue the requests. */
const Present = ({ status }: { readonly status: ApiStatus }) => {
  const { api } = usePage()
  const asked = useAsked("queue", api.requests.queue({ urlParams: { limit: 100 } }), ["requests"])
  const queue = asked.value ?? { total: 0, requests: [] }
  return (
    <>
      {asked.problem === undefined ? null : <Problem>{asked.problem}</Problem>}
      <div class="columns">
        <InReview queue={queue} status={status} />
        <Waiting queue={queue} status={status} />
        <Running {...status} />
        <Controls status={status} />
        <ToDecide />
      </div>
    </>
  )
}

/** @internal */
export const NowView = ({ route }: { readonly route: Route }): VNode => {
  const { status } = usePage().live.value
  const minutes = minutesOf(route)
  if (status === undefined) return <p class="quiet">Loading…</p>
  return (
    <>
      <Present status={status} />
      <section aria-labelledby="timeline">
        <h2 id="timeline">The last {SPANS.find(([, one]) => one === minutes)?.[0]}</h2>
        <nav class="spans" aria-label="How far back">
          {SPANS.map(([name, one]) => (
            <a
              key={name}
              href={to("now", undefined, [["minutes", String(one)]])}
              aria-current={one === minutes ? "true" : undefined}
            >
              {name}
            </a>
          ))}
        </nav>
        <Timeline span={minutes * 60_000} />
      </section>
    </>
  )
}
