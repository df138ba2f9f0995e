/**
 * What has ended, with filters that stand in the address.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { VNode } from "preact"
import { useId, useLayoutEffect, useRef } from "preact/hooks"
import type { RequestBrief } from "../http/ApiModel.js"
import { FinalState } from "../request/HealingRequest.js"
import { Answer, useAsked } from "./Asked.js"
import { JobLink } from "./Links.js"
import { More, useLimit } from "./More.js"
import { usePage } from "./Page.js"
import { format, type Route, to, valuesOf, withValues } from "./Route.js"
import { Shown } from "./Shown.js"
import { go, StateFilter } from "./StateFilter.js"
import { Heads, Instant, State } from "./Words.js"

const isFinal = Schema.is(FinalState)

const Filters = ({ route }: { readonly route: Route }) => {
  const id = useId()
  const { api } = usePage()
  const jobs = useAsked(
    "jobs",
    Effect.orElseSucceed(api.jobs.list(), () => [])
  )
  const [job = ""] = valuesOf(route, "job")
  const input = useRef<HTMLInputElement>(null)
  // What somebody is typing stays when the names of the jobs come.
  useLayoutEffect(() => {
    if (input.current !== null) input.current.value = job
  }, [job])
  return (
    <search>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label for={id}>Job</label>
        <input
          id={id}
          ref={input}
          type="search"
          list={`${id}-jobs`}
          data-filter
          onChange={({ currentTarget: { value } }) => go(withValues(route, "job", value === "" ? [] : [value]))}
        />
        <datalist id={`${id}-jobs`}>
          {jobs.value?.map((job) => (
            <option key={job.id} value={job.id} />
          ))}
        </datalist>
        <StateFilter legend="How it has ended" route={route} states={FinalState.literals} />
        {route.query.length === 0 ? null : <a href={to("history")}>Without filters</a>}
      </form>
    </search>
  )
}

const Row = ({ request }: { readonly request: RequestBrief }) => (
  <tr>
    <th scope="row" data-label="Ended">
      <a data-row href={to("requests", request.id)}>
        {request.endedAt === null ? request.id : <Instant at={request.endedAt} near={false} />}
      </a>
    </th>
    <td data-label="Job">
      <JobLink job={request.job} />
    </td>
    <td data-label="State">
      <State state={request.state} />
    </td>
    <td data-label="Because of">
      <Shown text={request.triggers.join(", ")} />
    </td>
    <td data-label="It has found" class="summary" dir="auto">
      <Shown text={request.summary ?? request.reason ?? ""} />
    </td>
  </tr>
)

const Found = ({ route }: { readonly route: Route }) => {
  const { api } = usePage()
  const [limit, more] = useLimit()
  const [job] = valuesOf(route, "job")
  const state = valuesOf(route, "state").filter((state) => isFinal(state))
  const urlParams = { limit, ...(job !== undefined && { job }), ...(state.length > 0 && { state }) }
  const asked = useAsked(JSON.stringify(urlParams), api.requests.history({ urlParams }), ["requests"])
  return (
    <Answer asked={asked}>
      {({ next, requests }) => (
        <>
          {requests.length === 0 ? (
            <p class="quiet">There is none.</p>
          ) : (
            <table class="list">
              <Heads names={["Ended", "Job", "State", "Because of", "It has found"]} />
              <tbody>
                {requests.map((request) => (
                  <Row key={request.id} request={request} />
                ))}
              </tbody>
            </table>
          )}
          <More command="history" isAll={next === null} limit={limit} more={more} />
        </>
      )}
    </Answer>
  )
}

/** @internal */
export const HistoryView = ({ route }: { readonly route: Route }): VNode => (
  <>
    <Filters route={route} />
    <Found key={format(route)} route={route} />
  </>
)
