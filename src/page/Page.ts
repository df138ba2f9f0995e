/**
 * What all views share: who looks, how things are, and whether that is still so.
 *
 * @internal
 */
import type { ReadonlySignal } from "@preact/signals"
import { createContext } from "preact"
import { useContext } from "preact/hooks"
import type { ApiCaller } from "../http/ApiModel.js"
import type { Right } from "../http/Rights.js"
import type { Api } from "./Api.js"
import type { Live } from "./Live.js"
import type { Route } from "./Route.js"

/**
 * Whether events come.
 *
 * - `since`: since when it is so, by the clock of the browser.
 * - `why`: what was wrong last, if something was.
 *
 * @internal
 */
export interface Connection {
  readonly state: "connecting" | "live" | "lost"
  readonly since: number
  readonly why: string | undefined
}

/**
 * - `now`: the time of the server, once a second.
 * - `changed`: counts what has happened to requests, suggestions and jobs, so that a view knows when to ask again.
 *
 * @internal
 */
export interface Page {
  readonly api: Api
  readonly caller: ApiCaller
  readonly live: ReadonlySignal<Live>
  readonly connection: ReadonlySignal<Connection>
  readonly now: ReadonlySignal<number>
  readonly changed: Readonly<Record<Topic, ReadonlySignal<number>>>
  readonly route: ReadonlySignal<Route>
}

/** @internal */
export type Topic = "requests" | "suggestions" | "jobs"

/** @internal */
export const PageContext = createContext<Page | undefined>(undefined)

/** @internal */
export const usePage = (): Page => {
  const page = useContext(PageContext)
  if (page === undefined) throw new Error("A view is shown outside of the page")
  return page
}

/** @internal */
export const useMay = (right: Right): boolean => usePage().caller.rights.includes(right)
