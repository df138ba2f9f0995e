/**
 * What a suggestion would change now, with every check.
 *
 * @internal
 */
import type { VNode } from "preact"
import { useEffect, useState } from "preact/hooks"
import type { ApiPreview } from "../http/ApiModel.js"
import { count } from "../internal/Plural.js"
import type { HealingSuggestion } from "../request/HealingSuggestion.js"
import { Answer, useAsked } from "./Asked.js"
import { DiffView } from "./DiffView.js"
import * as Kept from "./Kept.js"
import * as Keys from "./Keys.js"
import { usePage } from "./Page.js"
import { to } from "./Route.js"
import { Shown } from "./Shown.js"
import { Heads, Instant } from "./Words.js"

const Checks = ({ checks }: { readonly checks: ApiPreview["members"][number]["checks"] }) => (
  <table class="list">
    <Heads names={["Check", "Outcome", "What was found"]} />
    <tbody>
      {checks.map(({ check, detail, passed }) => (
        <tr key={check}>
          <th scope="row" data-label="Check">
            {check}
          </th>
          <td data-label="Outcome">
            <span class={`state ${passed ? "good" : "bad"}`}>
              <span aria-hidden="true">{passed ? "✓" : "✕"}</span> {passed ? "passed" : "failed"}
            </span>
          </td>
          <td data-label="What was found">
            <Shown text={detail} />
          </td>
        </tr>
      ))}
    </tbody>
  </table>
)

const Members = ({ isUnified, preview }: { readonly preview: ApiPreview; readonly isUnified: boolean }) => (
  <>
    {preview.members.map(({ added, checks, diff, losses, path, removed, suggestion }) => (
      <section key={suggestion.id} aria-label={suggestion.id}>
        {preview.members.length === 1 ? null : (
          <h3>
            <a href={to("suggestions", suggestion.id)}>
              <Shown text={suggestion.suggestion.title} />
            </a>
          </h3>
        )}
        {path === null ? null : (
          <p>
            <code>
              <Shown text={path} exact />
            </code>
            {diff === null ? "" : `: ${count(added, "line")} added, ${removed} removed`}
          </p>
        )}
        {diff === null ? (
          <p class="held">
            {path === null ? "It changes no file: somebody does it by hand." : "The change cannot be shown."}
          </p>
        ) : (
          <DiffView diff={diff} isUnified={isUnified} />
        )}
        {losses.map((loss) => (
          <p key={loss} class="held">
            The file would lose <Shown text={loss} />
          </p>
        ))}
        <Checks checks={checks} />
      </section>
    ))}
  </>
)

const DIFF_KEY = "effect-healing.diff"

/** The way to look at a diff that somebody has chosen last in this tab. */
const useUnified = (): readonly [boolean, (isUnified: boolean) => void] => {
  const [isUnified, set] = useState(() => Kept.inTab.get(DIFF_KEY) === "unified" || window.innerWidth < 720)
  return [
    isUnified,
    (isUnified) => {
      Kept.inTab.set(DIFF_KEY, isUnified ? "unified" : "sides")
      set(isUnified)
    }
  ]
}

/**
 * - `bigDeletion`: whether more than half of the lines may go; `restart`: whether the job is restarted.
 *
 * @internal
 */
export interface Wanted {
  readonly bigDeletion: boolean
  readonly restart: boolean
}

/**
 * - `options`: what can be chosen of it.
 * - `children`: what can be decided on exactly this.
 *
 * @internal
 */
export const Change = ({
  children,
  life,
  options,
  wanted
}: {
  readonly life: HealingSuggestion
  readonly wanted: Wanted
  readonly options?: VNode
  readonly children?: (preview: ApiPreview) => VNode
}): VNode => {
  const { api } = usePage()
  const [isUnified, setUnified] = useUnified()
  const path = { id: life.id }
  // It is asked for once: what somebody looks at does not become another thing under their hand.
  const asked = useAsked(
    JSON.stringify([life.id, wanted, life.state, life.approval?.seal]),
    api.suggestions.preview({ path, urlParams: { bigDeletion: wanted.bigDeletion, restart: wanted.restart } })
  )
  useEffect(() => {
    const toggle = (event: KeyboardEvent) => {
      if (event.key === "u" && Keys.areOn() && Keys.isForPage(event)) setUnified(!isUnified)
    }
    window.addEventListener("keydown", toggle)
    return () => window.removeEventListener("keydown", toggle)
  }, [isUnified])
  return (
    <section aria-labelledby="change">
      <h2 id="change">What it would change now</h2>
      <div class="row">
        <button type="button" aria-pressed={isUnified} onClick={() => setUnified(true)}>
          Unified
        </button>
        <button type="button" aria-pressed={!isUnified} onClick={() => setUnified(false)}>
          Side by side
        </button>
        <button type="button" onClick={asked.again}>
          Look again
        </button>
        {asked.at === undefined ? null : (
          <span class="quiet">
            As it was at <Instant at={asked.at} near={false} />
          </span>
        )}
      </div>
      {options}
      <Answer asked={asked}>
        {(preview) => (
          <>
            <Members preview={preview} isUnified={isUnified} />
            {children?.(preview)}
          </>
        )}
      </Answer>
    </section>
  )
}
