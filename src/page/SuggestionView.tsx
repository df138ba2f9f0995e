/**
 * A suggestion: what it is, what it would change now, what has happened to it, and what can be decided on it.
 *
 * @internal
 */
import type { VNode } from "preact"
import { useState } from "preact/hooks"
import type { ApiPreview } from "../http/ApiModel.js"
import { idOf } from "../request/HealingRequest.js"
import { type Approval, type HealingSuggestion, type SuggestionStep, shortSeal } from "../request/HealingSuggestion.js"
import { IN_FORCE } from "../request/SuggestionLife.js"
import { Act } from "./Act.js"
import { Answer, useAsked } from "./Asked.js"
import { Change, type Wanted } from "./Change.js"
import { JobLink, RequestLink } from "./Links.js"
import { useMay, usePage } from "./Page.js"
import { Prose } from "./Prose.js"
import { to } from "./Route.js"
import { Shown } from "./Shown.js"
import { Facts, Instant, State } from "./Words.js"

const About = ({ suggestion: life }: { readonly suggestion: HealingSuggestion }) => {
  const { suggestion } = life
  return (
    <>
      <h2>
        <Shown text={suggestion.title} />
      </h2>
      <Facts
        facts={[
          ["State", <State state={life.state} />],
          ["Why", life.reason === null ? null : <Shown text={life.reason} />],
          ["Severity", <State state={suggestion.severity} />],
          ["Category", suggestion.category],
          ["Job", <JobLink job={life.job} />],
          ["Review", <RequestLink id={idOf(life.job, life.request)} />],
          [
            "File",
            suggestion.targetFile === null ? (
              "none: it is done by hand"
            ) : (
              <code>
                <Shown text={suggestion.targetFile} exact />
              </code>
            )
          ],
          ["Set", suggestion.set === undefined ? null : <Shown text={suggestion.set} />],
          ["Proposed", <Instant at={life.proposedAt} />],
          [
            life.state === "applied" ? "Watched until" : "Until",
            life.expiresAt === null ? null : <Instant at={life.expiresAt} />
          ],
          [
            "In its place",
            life.supersededBy === null ? null : (
              <a href={to("suggestions", life.supersededBy)}>
                <Shown text={life.supersededBy} />
              </a>
            )
          ]
        ]}
      />
      <Prose text={suggestion.description} />
      <h3>Change</h3>
      <Prose text={suggestion.change} />
      {suggestion.expectedImpact === null ? null : (
        <>
          <h3>Expected impact</h3>
          <Prose text={suggestion.expectedImpact} />
        </>
      )}
    </>
  )
}

const Watched = ({ watch }: { readonly watch: NonNullable<HealingSuggestion["watch"]> }) => (
  <p>
    Its job is watched since <Instant at={watch.since} />: {watch.good.length} of its runs{" "}
    {watch.good.length === 1 ? "was" : "were"} good.
  </p>
)

const Undecided = ({ life }: { readonly life: HealingSuggestion }) => {
  const [wanted, setWanted] = useState<Wanted>({ bigDeletion: false, restart: false })
  const option = (name: keyof Wanted, words: string) => (
    <label>
      <input
        type="checkbox"
        checked={wanted[name]}
        onChange={({ currentTarget: { checked } }) => setWanted({ ...wanted, [name]: checked })}
      />{" "}
      {words}
    </label>
  )
  const options =
    life.suggestion.targetFile === null ? undefined : (
      <div class="row">
        {option("restart", "restart the job when it is applied")}
        {option("bigDeletion", "more than half of the lines may go")}
      </div>
    )
  return (
    <Change life={life} wanted={wanted} {...(options !== undefined && { options })}>
      {(preview) =>
        preview.seal === null ? (
          <p class="held">It cannot be approved as things are: a check has failed.</p>
        ) : (
          <div class="decision">
            <Approve key={preview.seal} preview={preview} seal={preview.seal} />
          </div>
        )
      }
    </Change>
  )
}

/** The seal is that of the preview which stands above the button, and of no later one: with another one, the button begins anew. */
const Approve = ({ preview, seal }: { readonly preview: ApiPreview; readonly seal: string }) => {
  const { api } = usePage()
  const ids = preview.members.map(({ suggestion }) => suggestion.id)
  return (
    <Act
      label="Approve exactly this"
      right="decide"
      sure={
        <>
          You approve what is shown above ({ids.join(", ")}), whose seal is <code>{shortSeal(seal)}</code>
          {preview.restart ? "; its job is restarted then" : ""}
          {preview.bigDeletion ? "; more than half of its lines may go" : ""}. If anything is another by now, nothing is
          done.
        </>
      }
      act={(why) => api.suggestions.approve({ path: { id: preview.id }, payload: { seal, ...why } })}
    />
  )
}

const Approved = ({ approval }: { readonly approval: Approval }) => (
  <p>
    Approved by <Shown text={approval.by.who} />, <Instant at={approval.at} />, under the seal{" "}
    <code>{shortSeal(approval.seal)}</code>
    {approval.restart ? "; its job is restarted when it is applied" : ""}
    {approval.bigDeletion ? "; more than half of its lines may go" : ""}.
  </p>
)

/** What can be decided whatever is shown of it. Each stays while it is being done, whatever becomes of the suggestion meanwhile. */
const Decisions = ({ life }: { readonly life: HealingSuggestion }) => {
  const { api } = usePage()
  const path = { id: life.id }
  return (
    <div class="row">
      <Act
        key="apply"
        label="Apply"
        right="apply"
        sure={
          <>
            What {life.approval === null ? "was approved" : <Shown text={life.approval.by.who} />}
            {life.approval === null ? "" : " has approved"} is written
            {life.approval === null ? null : (
              <>
                {" "}
                (<code>{shortSeal(life.approval.seal)}</code>)
              </>
            )}
            . If anything is not what was approved, nothing is done.
          </>
        }
        meanwhile="It is applied as soon as no run of its job is in the way…"
        act={(why) => api.suggestions.apply({ path, payload: why })}
        done={({ state }) => `It is ${state}.`}
        isOffered={life.state === "approved"}
      />
      <Act
        key="withdraw"
        label="Withdraw the approval"
        right="decide"
        sure="It can be decided on anew."
        act={(why) => api.suggestions.withdraw({ path, payload: why })}
        done={() => "The approval is withdrawn."}
        isOffered={life.state === "approved"}
      />
      <Act
        key="reject"
        label="Reject"
        right="decide"
        sure="It is not wanted."
        act={(why) => api.suggestions.reject({ path, payload: why })}
        done={() => "It is rejected."}
        isOffered={life.state === "pending"}
      />
      <Act
        key="rollback"
        label="Roll back"
        right="rollback"
        sure="The file becomes again what it was before. If somebody has edited it since, nothing is done."
        meanwhile="It is taken back as soon as no run of its job is in the way…"
        act={(why) => api.suggestions.rollback({ path, payload: why })}
        done={({ state }) => `It is ${state.replace("_", " ")}.`}
        isOffered={IN_FORCE.includes(life.state) && life.suggestion.targetFile !== null}
      />
    </div>
  )
}

const Content = ({ text }: { readonly text: string }) => (
  <details>
    <summary>All that was to stand in the file</summary>
    {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reached by the keyboard */}
    <pre tabIndex={0}>
      <Shown text={text} exact />
    </pre>
  </details>
)

const Steps = ({ steps }: { readonly steps: ReadonlyArray<SuggestionStep> }) => (
  <ol class="steps">
    {steps.map(({ at, by, number, reason, to }) => (
      <li key={number}>
        <State state={to} /> <Instant at={at} /> by <Shown text={by.who} /> ({by.door})
        {reason === null ? null : (
          <>
            : <Shown text={reason} />
          </>
        )}
      </li>
    ))}
  </ol>
)

/** What would be written is shown to those who may decide. */
const Proposed = ({ life }: { readonly life: HealingSuggestion }) => {
  const mayDecide = useMay("decide")
  const { approval, state, suggestion } = life
  if (state !== "pending" && state !== "approved")
    return suggestion.proposedContent === null ? null : <Content text={suggestion.proposedContent} />
  if (!mayDecide) return <p class="quiet">What it would change is shown to those who may decide.</p>
  if (state === "pending") return <Undecided life={life} />
  return (
    <Change life={life} wanted={{ bigDeletion: approval?.bigDeletion ?? false, restart: approval?.restart ?? false }} />
  )
}

/** @internal */
export const SuggestionView = ({ id }: { readonly id: string }): VNode => {
  const { api } = usePage()
  const path = { id }
  const asked = useAsked(id, api.suggestions.get({ path }), ["suggestions"])
  const steps = useAsked(id, api.suggestions.steps({ path }), ["suggestions"])
  return (
    <>
      <Answer asked={asked}>
        {(suggestion) => (
          <>
            <About suggestion={suggestion} />
            {suggestion.state !== "approved" || suggestion.approval === null ? null : (
              <Approved approval={suggestion.approval} />
            )}
            {suggestion.watch === null ? null : <Watched watch={suggestion.watch} />}
            <Proposed life={suggestion} />
            <Decisions life={suggestion} />
          </>
        )}
      </Answer>
      <section aria-labelledby="steps">
        <h2 id="steps">What has happened to it</h2>
        <Answer asked={steps}>{(steps) => <Steps steps={steps} />}</Answer>
      </section>
    </>
  )
}
