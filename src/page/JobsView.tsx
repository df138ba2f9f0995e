/**
 * The jobs of the supervisor, and one of them with its runs, its policy and its reviews.
 *
 * @internal
 */
import { useComputed } from "@preact/signals"
import type { VNode } from "preact"
import type { ApiJob, ApiPolicy, ApiSegment } from "../http/ApiModel.js"
import { count } from "../internal/Plural.js"
import type { Run } from "../supervisor/Evidence.js"
import { Act } from "./Act.js"
import { Answer, useAsked } from "./Asked.js"
import { RequestLink } from "./Links.js"
import { usePage } from "./Page.js"
import { problemText } from "./PolicyProblem.js"
import { to } from "./Route.js"
import { Shown } from "./Shown.js"
import { durationText } from "./Times.js"
import { Facts, Heads, Instant, Lasting, State } from "./Words.js"

const Last = ({ last }: { readonly last: ApiJob["last"] }) =>
  last === null ? (
    <span class="quiet">none yet</span>
  ) : (
    <a href={to("requests", last.id)}>
      <State state={last.state} /> {last.endedAt === null ? null : <Instant at={last.endedAt} near={false} />}
    </a>
  )

/** The newest run of each job on the timeline of the last hours. */
const newestRuns = (segments: Iterable<ApiSegment>): ReadonlyMap<string, ApiSegment> => {
  const newest = new Map<string, ApiSegment>()
  for (const segment of segments) {
    if (segment.kind === "run" && segment.from >= (newest.get(segment.name)?.from ?? 0))
      newest.set(segment.name, segment)
  }
  return newest
}

const LastRun = ({ run }: { readonly run: ApiSegment | undefined }) => {
  if (run === undefined) return <span class="quiet">–</span>
  if (run.to === null) return <State state="running" />
  return (
    <>
      <State state={run.outcome ?? "ended"} /> <Instant at={run.to} near={false} />
    </>
  )
}

const Row = ({ job, run }: { readonly job: ApiJob; readonly run: ApiSegment | undefined }) => (
  <tr>
    <th scope="row" data-label="Job">
      <a data-row href={to("jobs", job.id)}>
        <Shown text={job.id} />
      </a>
    </th>
    <td data-label="Kind">
      {job.kind}
      {job.openClaw ? ", OpenClaw" : ""}
    </td>
    <td data-label="Last run">
      <LastRun run={run} />
    </td>
    <td data-label="Review">
      {job.reviews.length === 0 ? <Last last={job.last} /> : null}
      {job.reviews.map(({ id, state }) => (
        <a key={id} href={to("requests", id)}>
          <State state={state} />
        </a>
      ))}
    </td>
    <td data-label="Next due">
      {job.nextDueAt === null ? <span class="quiet">–</span> : <Instant at={job.nextDueAt} />}
    </td>
    <td data-label="Policy">
      {job.problems.length > 0 ? (
        <span class="state bad">
          <span aria-hidden="true">✕</span> wrong: <Shown text={job.problems.map(problemText).join("; ")} />
        </span>
      ) : job.policy === null ? (
        <span class="quiet">–</span>
      ) : job.policy.enabled ? (
        `${job.policy.triggers.join(", ")}${job.policy.schedule === null ? "" : `; ${job.policy.schedule}`}`
      ) : (
        "off"
      )}
    </td>
  </tr>
)

const JobList = () => {
  const { api, live } = usePage()
  const asked = useAsked("jobs", api.jobs.list(), ["jobs", "requests"])
  // The list is drawn anew for a new segment, and not for each change of the status.
  const segments = useComputed(() => live.value.segments)
  const runs = newestRuns(segments.value.values())
  return (
    <Answer asked={asked}>
      {(jobs) =>
        jobs.length === 0 ? (
          <p class="quiet">The supervisor has no job.</p>
        ) : (
          <table class="list">
            <Heads names={["Job", "Kind", "Last run", "Review", "Next due", "Policy"]} />
            <tbody>
              {jobs.map((job) => (
                <Row key={job.id} job={job} run={runs.get(job.id)} />
              ))}
            </tbody>
          </table>
        )
      }
    </Answer>
  )
}

const duration = (ms: number | null) => (ms === null ? null : durationText(ms))

const Policy = ({ policy }: { readonly policy: ApiPolicy }) => (
  <Facts
    facts={[
      ["Reviews", policy.enabled ? "on" : "off: only a person has it reviewed"],
      ["Triggers", policy.triggers.join(", ")],
      ["Schedule", policy.schedule ?? "none"],
      ["After so many runs", String(policy.minRuns)],
      ["Cooldown", durationText(policy.cooldownMs)],
      ["Priority", policy.priority === null ? "that of the settings" : String(policy.priority)],
      ["Evidence", policy.scope.join(", ")],
      ["Expected each", duration(policy.expectedEveryMs)],
      ["May take", duration(policy.maxDurationMs)],
      ["Has to take", duration(policy.minDurationMs)],
      ["Output", policy.output === null ? null : <code>{JSON.stringify(policy.output)}</code>]
    ]}
  />
)

const Runs = ({ runs }: { readonly runs: ReadonlyArray<Run> }) =>
  runs.length === 0 ? (
    <p class="quiet">The supervisor knows of no run.</p>
  ) : (
    <table class="list">
      <Heads names={["Outcome", "Started", "Took", "Exit", "Because of"]} />
      <tbody>
        {runs.map((run) => (
          <tr key={run.id}>
            <td data-label="Outcome">
              <State state={run.outcome} />
            </td>
            <td data-label="Started">{run.startedAt === null ? "not known" : <Instant at={run.startedAt} />}</td>
            <td data-label="Took">
              {run.startedAt === null || (run.endedAt === null && run.outcome !== "running") ? (
                "not known"
              ) : (
                <Lasting from={run.startedAt} to={run.endedAt} />
              )}
            </td>
            <td data-label="Exit">{run.signal ?? run.exitCode ?? "–"}</td>
            <td data-label="Because of">
              <Shown text={run.trigger ?? "–"} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )

const Reviews = ({ job }: { readonly job: ApiJob }) => {
  const { api } = usePage()
  return (
    <>
      <Facts
        facts={[
          [
            "Now",
            job.reviews.length === 0
              ? "none asked for"
              : job.reviews.map(({ id, state }) => (
                  <a key={id} href={to("requests", id)}>
                    <State state={state} /> <Shown text={id} />
                  </a>
                ))
          ],
          ["Last", <Last last={job.last} />],
          [
            "It has found",
            job.last?.summary === undefined || job.last.summary === null ? null : <Shown text={job.last.summary} />
          ],
          ["Next due", job.nextDueAt === null ? "not by the clock" : <Instant at={job.nextDueAt} />]
        ]}
      />
      <p>
        <a href={to("history", undefined, [["job", job.id]])}>All reviews of this job</a>
      </p>
      <div class="row">
        <Act
          label="Ask for a review"
          right="heal"
          act={() => api.requests.heal({ payload: { job: job.id } })}
          meanwhile="It is asked for…"
          done={({ id }) => (
            <>
              It is asked for: <RequestLink id={id} />
            </>
          )}
        />
        <Act
          label="Cancel its reviews"
          right="cancel"
          sure="Its reviews that wait and run are cancelled."
          asksWhy={false}
          act={() => api.jobs.cancel({ path: { job: job.id } })}
          done={(cancelled) => `${count(cancelled.length, "review")} cancelled.`}
          isOffered={job.reviews.length > 0}
        />
      </div>
    </>
  )
}

const Lock = ({ job }: { readonly job: string }) => {
  const { api, live } = usePage()
  if (live.value.status?.locked.includes(job) !== true) return null
  return (
    <section>
      <p class="held">Rules apply nothing to this job, since what one has applied has relapsed.</p>
      <Act
        label="Let rules go on"
        right="stop"
        sure="Rules may apply suggestions to this job again."
        act={(why) => api.jobs.unlock({ path: { job }, payload: why })}
      />
    </section>
  )
}

const Job = ({ id }: { readonly id: string }) => {
  const { api } = usePage()
  const path = { job: id }
  const job = useAsked(id, api.jobs.get({ path }), ["jobs", "requests"])
  const runs = useAsked(id, api.jobs.runs({ path }), ["jobs"])
  return (
    <>
      <Answer asked={job}>
        {(job) => (
          <>
            <Lock job={job.id} />
            <section aria-labelledby="reviews">
              <h2 id="reviews">Reviews</h2>
              <Reviews job={job} />
            </section>
            <section aria-labelledby="policy">
              <h2 id="policy">Policy in force</h2>
              {job.problems.map((problem) => (
                <p key={problem.key} class="problem">
                  <Shown text={problemText(problem)} />
                </p>
              ))}
              {job.policy === null ? (
                <p class="quiet">None: only a person has it reviewed.</p>
              ) : (
                <Policy policy={job.policy} />
              )}
            </section>
          </>
        )}
      </Answer>
      <section aria-labelledby="runs">
        <h2 id="runs">Last runs</h2>
        <Answer asked={runs}>{(runs) => <Runs runs={runs} />}</Answer>
      </section>
    </>
  )
}

/** @internal */
export const JobsView = ({ id }: { readonly id: string | undefined }): VNode =>
  id === undefined ? <JobList /> : <Job key={id} id={id} />
