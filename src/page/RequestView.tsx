/**
 * A request, and the report of its review.
 *
 * @internal
 */
import type { VNode } from "preact"
import type { HealingRequest } from "../request/HealingRequest.js"
import { suggestionId } from "../request/HealingSuggestion.js"
import type { Report, Suggestion } from "../request/Report.js"
import { bySeverity } from "../request/ReportMarkdown.js"
import { Act } from "./Act.js"
import { Answer, useAsked } from "./Asked.js"
import { JobLink, RequestLink } from "./Links.js"
import { usePage } from "./Page.js"
import { Prose } from "./Prose.js"
import { to } from "./Route.js"
import { Shown } from "./Shown.js"
import { Facts, Heads, Instant, Lasting, State } from "./Words.js"

const About = ({ request }: { readonly request: HealingRequest }) => {
  const begun = request.starts.at(-1)
  return (
    <Facts
      facts={[
        ["Job", <JobLink job={request.job} />],
        ["State", <State state={request.state} />],
        ["Why", request.reason === null ? null : <Shown text={request.reason} />],
        ["Because of", request.triggers.join(", ")],
        ["Note", request.note === null ? null : <Shown text={request.note} />],
        ["Run", request.runId === null ? null : <Shown text={request.runId} />],
        ["Asked for", <Instant at={request.submittedAt} />],
        [
          "Not before",
          request.notBefore === null || request.endedAt !== null ? null : <Instant at={request.notBefore} />
        ],
        [
          "Given up",
          request.waitUntil === null || request.endedAt !== null ? null : <Instant at={request.waitUntil} />
        ],
        ["Tries", request.attempts === 0 ? null : String(request.attempts)],
        ["Last begun", begun === undefined ? null : <Instant at={begun} />],
        ["Ended", request.endedAt === null ? null : <Instant at={request.endedAt} />],
        [
          "Took",
          begun === undefined || request.endedAt === null ? null : <Lasting from={begun} to={request.endedAt} />
        ],
        ["Answered by", request.coalescedInto === null ? null : <RequestLink id={request.coalescedInto} />]
      ]}
    />
  )
}

const Proposed = ({ id, suggestion }: { readonly id: string; readonly suggestion: Suggestion }) => (
  <li class="card">
    <h3>
      <a href={to("suggestions", id)}>
        <Shown text={suggestion.title} />
      </a>
    </h3>
    <p>
      <State state={suggestion.severity} /> {suggestion.category}
      {suggestion.targetFile === null ? null : (
        <>
          {" "}
          in{" "}
          <code>
            <Shown text={suggestion.targetFile} exact />
          </code>
        </>
      )}
    </p>
    <Prose text={suggestion.description} />
    <h4>Change</h4>
    <Prose text={suggestion.change} />
    {suggestion.expectedImpact === null ? null : (
      <>
        <h4>Expected impact</h4>
        <Prose text={suggestion.expectedImpact} />
      </>
    )}
  </li>
)

const Seen = ({ evidence }: { readonly evidence: NonNullable<Report["evidence"]> }) => (
  <table class="list">
    <Heads names={["What it was", "Characters", "What differs from all of it"]} />
    <tbody>
      {evidence.map(({ characters, remarks, title }, index) => (
        <tr key={String(index)}>
          <th scope="row" data-label="What it was">
            <Shown text={title} />
          </th>
          <td data-label="Characters">{characters.toLocaleString("en")}</td>
          <td data-label="What differs">
            <Shown text={remarks.length === 0 ? "nothing" : remarks.join("; ")} />
          </td>
        </tr>
      ))}
    </tbody>
  </table>
)

const Found = ({ report, request }: { readonly report: Report; readonly request: HealingRequest }) => (
  <article>
    <h2>Summary</h2>
    <Prose text={report.summary} />
    {report.rootCause === undefined ? null : (
      <>
        <h2>Root cause</h2>
        <Prose text={report.rootCause} />
      </>
    )}
    {report.suggestions === undefined ? null : (
      <>
        <h2>Suggestions ({report.suggestions.length})</h2>
        <ul class="cards">
          {bySeverity(report.suggestions).map((suggestion) => {
            const position = (report.suggestions ?? []).indexOf(suggestion) + 1
            return (
              <Proposed
                key={position}
                id={suggestionId(request.job, { request: request.number, position })}
                suggestion={suggestion}
              />
            )
          })}
        </ul>
      </>
    )}
    {report.remarks?.map((remark) => (
      <p key={remark} class="held">
        <Shown text={remark} />
      </p>
    ))}
    {report.evidence === undefined || report.evidence.length === 0 ? null : (
      <>
        <h2>Evidence</h2>
        <Seen evidence={report.evidence} />
      </>
    )}
    <h2>Cost</h2>
    <Facts
      facts={[
        ["Model", report.model === undefined ? "not told" : <Shown text={report.model} />],
        [
          "Tokens",
          report.tokens === undefined
            ? "not told"
            : `${report.tokens.total.toLocaleString("en")} (${report.tokens.input.toLocaleString("en")} in, ${report.tokens.output.toLocaleString("en")} out)`
        ],
        ["Cost", report.costUsd === undefined ? "not told" : `${report.costUsd.toFixed(4)} USD`]
      ]}
    />
  </article>
)

/** @internal */
export const RequestView = ({ id }: { readonly id: string }): VNode => {
  const { api } = usePage()
  const asked = useAsked(id, api.requests.get({ path: { id }, urlParams: {} }), ["requests"])
  return (
    <Answer asked={asked}>
      {(request) => (
        <>
          <About request={request} />
          <Act
            label="Cancel"
            right="cancel"
            sure="Nobody reviews it then, until it is asked for again."
            asksWhy={false}
            act={() => api.requests.cancel({ path: { id } })}
            isOffered={request.endedAt === null}
          />
          {request.report === null ? (
            <p class="quiet">There is no report{request.endedAt === null ? " yet" : ""}.</p>
          ) : (
            <Found report={request.report} request={request} />
          )}
        </>
      )}
    </Answer>
  )
}
