/**
 * What names something of which there is a view of its own.
 *
 * @internal
 */
import type { VNode } from "preact"
import type { SuggestionBrief } from "../http/ApiModel.js"
import { to } from "./Route.js"
import { Shown } from "./Shown.js"
import { Instant, State } from "./Words.js"

/** @internal */
export const JobLink = ({ job }: { readonly job: string }): VNode => (
  <a href={to("jobs", job)}>
    <Shown text={job} />
  </a>
)

/** @internal */
export const RequestLink = ({ id }: { readonly id: string }): VNode => (
  <a href={to("requests", id)}>
    <Shown text={id} />
  </a>
)

/**
 * A suggestion with its state, in two lines.
 *
 * @internal
 */
export const SuggestionLink = ({ suggestion }: { readonly suggestion: SuggestionBrief }): VNode => (
  <>
    <a data-row href={to("suggestions", suggestion.id)}>
      <Shown text={suggestion.title} />
    </a>
    <p class="quiet">
      <State state={suggestion.state} /> <State state={suggestion.severity} /> {suggestion.category} for{" "}
      <JobLink job={suggestion.job} />
      {suggestion.expiresAt === null ? null : (
        <>
          , until <Instant at={suggestion.expiresAt} />
        </>
      )}
    </p>
  </>
)
