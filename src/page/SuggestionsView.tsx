/**
 * What reviews propose: those in some states, the newest review first.
 *
 * @internal
 */
import * as Schema from "effect/Schema"
import type { VNode } from "preact"
import { SuggestionState } from "../request/HealingSuggestion.js"
import { Answer, useAsked } from "./Asked.js"
import { SuggestionLink } from "./Links.js"
import { More, useLimit } from "./More.js"
import { usePage } from "./Page.js"
import { format, type Route, to, valuesOf } from "./Route.js"
import { StateFilter } from "./StateFilter.js"

const isState = Schema.is(SuggestionState)

const Filters = ({ route }: { readonly route: Route }) => (
  <search>
    <form class="filters" onSubmit={(event) => event.preventDefault()}>
      <StateFilter legend="State" route={route} states={SuggestionState.literals} />
      {route.query.length === 0 ? null : <a href={to("suggestions")}>Without filters</a>}
    </form>
  </search>
)

const Found = ({ route }: { readonly route: Route }) => {
  const { api } = usePage()
  const [limit, more] = useLimit()
  const [job] = valuesOf(route, "job")
  const state = valuesOf(route, "state").filter((state) => isState(state))
  const urlParams = { limit, ...(job !== undefined && { job }), ...(state.length > 0 && { state }) }
  const asked = useAsked(JSON.stringify(urlParams), api.suggestions.list({ urlParams }), ["suggestions"])
  return (
    <Answer asked={asked}>
      {({ next, suggestions }) => (
        <>
          {suggestions.length === 0 ? <p class="quiet">There is none.</p> : null}
          <ul class="cards">
            {suggestions.map((suggestion) => (
              <li key={suggestion.id} class="card">
                <SuggestionLink suggestion={suggestion} />
              </li>
            ))}
          </ul>
          <More command="suggestions" isAll={next === null} limit={limit} more={more} />
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
