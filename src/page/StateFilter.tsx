/**
 * Checkboxes for the states that a list shows, which stand in the address.
 *
 * @internal
 */
import type { VNode } from "preact"
import { format, type Route, valuesOf, withValues } from "./Route.js"

/**
 * In the place of where somebody is: the way back leads to the view before, and not through each filter.
 *
 * @internal
 */
export const go = (route: Route): void => location.replace(format(route))

/** @internal */
export const StateFilter = ({
  legend,
  route,
  states
}: {
  readonly legend: string
  readonly route: Route
  readonly states: ReadonlyArray<string>
}): VNode => {
  const chosen = valuesOf(route, "state")
  return (
    <fieldset>
      <legend>{legend}</legend>
      {states.map((state) => (
        <label key={state}>
          <input
            type="checkbox"
            data-filter
            checked={chosen.includes(state)}
            onChange={({ currentTarget: { checked } }) =>
              go(withValues(route, "state", checked ? [...chosen, state] : chosen.filter((one) => one !== state)))
            }
          />{" "}
          {state.replace("_", " ")}
        </label>
      ))}
    </fieldset>
  )
}
