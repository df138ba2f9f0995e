/**
 * What runs, who waits and why, and the last hours.
 *
 * @internal
 */
import type { VNode } from "preact"
import type { ApiStatus, HoldUp, RequestBrief } from "../http/ApiModel.js"
import { quotaInWords } from "../running/Quota.js"
import { Act } from "./Act.js"
import { JobLink, RequestLink, SuggestionLink } from "./Links.js"
import type { Live } from "./Live.js"
import { useMay, usePage } from "./Page.js"
import { type Route, to, valuesOf } from "./Route.js"
import { Shown } from "./Shown.js"
import { Timeline } from "./Timeline.js"
import { Instant, Lasting } from "./Words.js"

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
const requestOf = (live: Live, job: string, state: RequestBrief["state"]): RequestBrief | undefined =>
  Array.from(live.requests.values()).find((request) => request.job === job && request.state === state)

const InReview = ({ live, status }: { readonly live: Live; readonly status: ApiStatus }) => (
  <section aria-labelledby="in-review">
    <h2 id="in-review">Under review</h2>
    {status.running.length === 0 ? <p class="quiet">Nothing is under review.</p> : null}
    <ul class="cards">
      {status.running.map(({ job, runningMs }) => {
        const request = requestOf(live, job, "running")
        return (
          <li key={job} class="card go">
            <JobLink job={job} /> for <Lasting from={status.at - runningMs} to={null} />
            {request === undefined ? (
              <p class="quiet">asked for by the app itself</p>
            ) : (
              <>
                <p class="quiet">
                  because of {request.triggers.join(", ")}: <RequestLink id={request.id} />
                </p>
                <Cancel request={request} />
              </>
            )}
          </li>
        )
      })}
    </ul>
  </section>
)

const Cancel = ({ request }: { readonly request: RequestBrief }) => {
  const { api } = usePage()
  return <Act label="Cancel" right="cancel" act={() => api.requests.cancel({ path: { id: request.id } })} />
}

/** Those that wait for something else than their turn, such as the end of their cooldown. */
const later = (live: Live, status: ApiStatus): ReadonlyArray<RequestBrief> => {
  const inLine = new Set(status.line.map(({ job }) => job))
  return Array.from(live.requests.values()).filter(
    ({ job, notBefore, state }) =>
      state === "pending" && notBefore !== null && notBefore > status.at && !inLine.has(job)
  )
}

const Waiting = ({ live, status }: { readonly live: Live; readonly status: ApiStatus }) => {
  const others = later(live, status)
  const { heldBy, holds, line, waiting } = status
  return (
    <section aria-labelledby="waiting">
      <h2 id="waiting">Waiting ({waiting + others.length})</h2>
      {waiting + others.length === 0 ? <p class="quiet">Nobody waits for a review.</p> : null}
      <ol class="cards">
        {line.map(({ job, waitedMs }, index) => {
          // A job that stands there twice has one request at most; the other one is asked for by the app itself.
          const isFirst = line.findIndex((one) => one.job === job) === index
          const request = isFirst ? requestOf(live, job, "pending") : undefined
          return (
            <li key={`${job} ${index}`} class="card wait">
              <JobLink job={job} /> for <Lasting from={status.at - waitedMs} to={null} />
              <p>
                {index === 0 ? (
                  heldBy.length === 0 ? (
                    "Its turn comes now."
                  ) : (
                    <>
                      Held up by <HoldUps all={heldBy} />.
                    </>
                  )
                ) : (
                  <>
                    {index === 1 ? "After " : `After ${index} others, the first of which is `}
                    <Shown text={line[0]?.job ?? ""} />.
                  </>
                )}
              </p>
              {request === undefined ? null : <Wish request={request} />}
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
      {waiting > line.length ? <p class="quiet">and {waiting - line.length} more</p> : null}
      {waiting === 0 && holds.length > 0 ? (
        <p class="held">
          Whoever comes next is held up by <HoldUps all={holds} />.
        </p>
      ) : null}
    </section>
  )
}

/** What is written down of a request that waits. */
const Wish = ({ request }: { readonly request: RequestBrief }) => (
  <>
    <p class="quiet">
      because of {request.triggers.join(", ")}: <RequestLink id={request.id} />
      {request.waitUntil === null ? null : (
        <>
          , given up <Instant at={request.waitUntil} />
        </>
      )}
    </p>
    <Cancel request={request} />
  </>
)

const Running = ({ openClaw }: ApiStatus) => (
  <section aria-labelledby="running">
    <h2 id="running">OpenClaw jobs that run ({openClaw.jobs.length})</h2>
    {openClaw.jobs.length + openClaw.unknown.length === 0 ? <p class="quiet">None: OpenClaw is idle.</p> : null}
    <ul class="cards">
      {openClaw.jobs.map(({ instances, job }) => (
        <li key={job} class="card">
          <JobLink job={job} />
          {instances === 1 ? "" : ` (${instances} at once)`}
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
  const isStopped = status.stopped.length > 0
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
        {isPaused ? (
          <Act label="Let reviews go on" right="pause" act={() => api.requests.resume()} />
        ) : (
          <Act label="Pause reviews" right="pause" act={() => api.requests.pause()} />
        )}
        {isStopped ? (
          <Act
            label="Let changes go on"
            right="stop"
            sure="Suggestions that are approved can be applied again, and rules apply theirs."
            act={(why) => api.suggestions.resume({ payload: why })}
          />
        ) : (
          <Act
            label="Stop all changes"
            right="stop"
            sure="No suggestion is applied any more, by nobody, until somebody lets it go on."
            act={(why) => api.suggestions.stop({ payload: why })}
          />
        )}
      </div>
    </section>
  )
}

const SPANS = [
  ["10 minutes", 10],
  ["hour", 60],
  ["6 hours", 360]
] as const

const minutesOf = (route: Route): number => {
  const [given] = valuesOf(route, "minutes")
  return SPANS.find(([, minutes]) => String(minutes) === given)?.[1] ?? 60
}

/** @internal */
export const NowView = ({ route }: { readonly route: Route }): VNode => {
  const live = usePage().live.value
  const mayRead = useMay("read")
  const { open, status } = live
  const minutes = minutesOf(route)
  if (status === undefined) return <p class="quiet">{mayRead ? "Loading…" : ""}</p>
  const undecided = Array.from(open.values()).filter(({ state }) => state === "pending" || state === "approved")
  return (
    <>
      <div class="columns">
        <InReview live={live} status={status} />
        <Waiting live={live} status={status} />
        <Running {...status} />
        <Controls status={status} />
        <section aria-labelledby="to-decide">
          <h2 id="to-decide">To decide ({undecided.length})</h2>
          {undecided.length === 0 ? <p class="quiet">No suggestion waits for a decision.</p> : null}
          <ul class="cards">
            {undecided.slice(0, 10).map((suggestion) => (
              <li key={suggestion.id} class="card">
                <SuggestionLink suggestion={suggestion} />
              </li>
            ))}
          </ul>
          {undecided.length > 10 ? <a href={to("suggestions")}>and {undecided.length - 10} more</a> : null}
        </section>
      </div>
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
