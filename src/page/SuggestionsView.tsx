/**
 * What reviews propose: those in some states, the newest review first.
 *
 * @internal
 */
import type { VNode } from "preact"
import { useState } from "preact/hooks"
import { SuggestionState } from "../request/HealingSuggestion.js"
import { Answer, useAsked } from "./Asked.js"
import { SuggestionLink } from "./Links.js"
import { usePage } from "./Page.js"
import { format, type Route, to, valuesOf, withValues } from "./Route.js"

const MOST = 1000

const PAGE = 50

const isState = (text: string): text is SuggestionState => SuggestionState.literals.some((state) => state === text)

const Filters = ({ route }: { readonly route: Route }) => {
  const states = valuesOf(route, "state")
  const change = (state: string, checked: boolean) =>
    location.replace(
      format(withValues(route, "state", checked ? [...states, state] : states.filter((one) => one !== state)))
    )
  return (
    <search>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <fieldset>
          <legend>State</legend>
          {SuggestionState.literals.map((state) => (
            <label key={state}>
              <input
                type="checkbox"
                data-filter
                checked={states.includes(state)}
                onChange={({ currentTarget: { checked } }) => change(state, checked)}
              />{" "}
              {state.replace("_", " ")}
            </label>
          ))}
        </fieldset>
        {route.query.length === 0 ? null : <a href={to("suggestions")}>Without filters</a>}
      </form>
    </search>
  )
}

const Found = ({ route }: { readonly route: Route }) => {
  const { api } = usePage()
  const [limit, setLimit] = useState(PAGE)
  const [job] = valuesOf(route, "job")
  const state = valuesOf(route, "state").filter(isState)
  const urlParams = { limit, ...(job !== undefined && { job }), ...(state.length > 0 && { state }) }
  const asked = useAsked(JSON.stringify(urlParams), api.suggestions.list({ urlParams }), ["suggestions"])
  return (
    <Answer asked={asked}>
      {({ next, suggestions }) => (
        <>
          {suggestions.length === 0 ? <p class="quiet">There is none.</p> : null}
          <ul class="cards wide">
            {suggestions.map((suggestion) => (
              <li key={suggestion.id} class="card">
                <SuggestionLink suggestion={suggestion} />
              </li>
            ))}
          </ul>
          {next === null ? null : limit < MOST ? (
            <button type="button" onClick={() => setLimit(Math.min(limit * 2, MOST))}>
              Show more
            </button>
          ) : (
            <p class="quiet">
              There are more: a filter finds them, and so does the command effect-healing suggestions.
            </p>
          )}
        </>
      )}
    </Answer>
  )
}

/** @internal */
export const SuggestionsView = ({ route }: { readonly route: Route }): VNode => (
  <>
    <Filters route={route} />
    <Found key={format(route)} route={route} />
  </>
)
