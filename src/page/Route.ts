/**
 * Where somebody is on the page. All of it stands in the fragment of the address, so that a link to it can be kept and sent.
 *
 * @internal
 */

/**
 * - `view`: which one.
 * - `id`: of what it shows, where it shows one thing.
 * - `query`: what else is chosen there, such as a filter; several values of a name, in their order.
 *
 * @internal
 */
export interface Route {
  readonly view: View
  readonly id: string | undefined
  readonly query: ReadonlyArray<readonly [name: string, value: string]>
}

/** @internal */
export const VIEWS = ["now", "jobs", "history", "suggestions", "health", "requests"] as const

/** @internal */
export type View = (typeof VIEWS)[number]

const isView = (text: string): text is View => VIEWS.some((view) => view === text)

/** A part of an address that is badly encoded counts as if it were not there. */
const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/**
 * What is unknown is the first view.
 *
 * @internal
 */
export const parse = (hash: string): Route => {
  const [path = "", ...queries] = hash.replace(/^#/, "").split("?")
  const [, view = "", ...rest] = path.split("/")
  const id = rest.length === 0 ? undefined : decoded(rest.join("/"))
  const query = Array.from(new URLSearchParams(queries.join("?")).entries())
  return isView(view) ? { view, id: id === "" ? undefined : id, query } : { view: "now", id: undefined, query: [] }
}

/** @internal */
export const format = ({ id, query, view }: Route): string => {
  const path = id === undefined ? `#/${view}` : `#/${view}/${encodeURIComponent(id)}`
  const search = new URLSearchParams(query.map(([name, value]): [string, string] => [name, value])).toString()
  return search === "" ? path : `${path}?${search}`
}

/** @internal */
export const to = (view: View, id?: string, query: Route["query"] = []): string => format({ view, id, query })

/** @internal */
export const valuesOf = ({ query }: Route, name: string): ReadonlyArray<string> =>
  query.filter(([key]) => key === name).map(([, value]) => value)

/**
 * With these values of the name, in place of those that it has.
 *
 * @internal
 */
export const withValues = (route: Route, name: string, values: ReadonlyArray<string>): Route => ({
  ...route,
  query: [...route.query.filter(([key]) => key !== name), ...values.map((value) => [name, value] as const)]
})
