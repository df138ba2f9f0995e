/**
 * What stands around each view: the way to the others, whether the page is live, who looks, and the help.
 *
 * @internal
 */
import type { ComponentChildren, VNode } from "preact"
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"
import { HealthView } from "./HealthView.js"
import { HistoryView } from "./HistoryView.js"
import { JobsView } from "./JobsView.js"
import * as Keys from "./Keys.js"
import { NowView } from "./NowView.js"
import { type Page, PageContext, usePage } from "./Page.js"
import { RequestView } from "./RequestView.js"
import { format, type Route, to } from "./Route.js"
import { Shown } from "./Shown.js"
import { SuggestionsView } from "./SuggestionsView.js"
import { SuggestionView } from "./SuggestionView.js"
import { Patterns } from "./Timeline.js"
import { durationText, instantText } from "./Times.js"

const TITLES = {
  now: "Now",
  jobs: "Jobs",
  history: "History",
  suggestions: "Suggestions",
  health: "Health",
  requests: "Report"
} as const

const titleOf = ({ id, view }: Route): string => {
  if (id === undefined) return TITLES[view]
  return { ...TITLES, jobs: "Job", suggestions: "Suggestion" }[view]
}

const View = ({ route }: { readonly route: Route }): VNode => {
  switch (route.view) {
    case "now":
      return <NowView route={route} />
    case "jobs":
      return <JobsView id={route.id} />
    case "history":
      return <HistoryView route={route} />
    case "suggestions":
      return route.id === undefined ? (
        <SuggestionsView route={route} />
      ) : (
        <SuggestionView key={route.id} id={route.id} />
      )
    case "requests":
      return route.id === undefined ? <HistoryView route={route} /> : <RequestView key={route.id} id={route.id} />
    case "health":
      return <HealthView />
  }
}

const Nav = ({ route }: { readonly route: Route }) => (
  <nav aria-label="Views">
    <ul>
      {Keys.PLACES.map(([key, name, href]) => (
        <li key={key}>
          <a href={href} aria-current={href === to(route.view) ? "page" : undefined} aria-keyshortcuts={key}>
            {name}{" "}
            <span class="key" aria-hidden="true">
              {key}
            </span>
          </a>
        </li>
      ))}
    </ul>
  </nav>
)

const BADGES = {
  connecting: ["◌", "connecting", "quiet"],
  live: ["●", "live", "good"],
  lost: ["○", "not connected", "bad"]
} as const

const Badge = () => {
  const [mark, words, tone] = BADGES[usePage().connection.value.state]
  return (
    <span class={`badge ${tone}`} role="status">
      <span aria-hidden="true">{mark}</span> {words}
    </span>
  )
}

/** What is shown may not be so any more. It is said once, and its clock is not read out each second. */
const Disconnected = () => {
  const { connection, now } = usePage()
  const { since, state, why } = connection.value
  if (state !== "lost") return null
  // The clock of the page is that of the server, which may be another one than that of the browser.
  void now.value
  return (
    <div class="disconnected">
      <span role="alert">
        Not connected since {instantText(since, Date.now())}. What is shown is as it was then, or up to a minute before.{" "}
        {why}
      </span>{" "}
      <span aria-hidden="true">({durationText(Date.now() - since)})</span>
    </div>
  )
}

/** On paper, nothing says by itself how old it is. */
const Printed = () => <p class="printed">As of {new Date(usePage().now.value).toString()}</p>

const Help = ({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) => {
  const dialog = useRef<HTMLDialogElement>(null)
  const [areOn, setOn] = useState(Keys.areOn)
  useEffect(() => {
    if (isOpen) dialog.current?.showModal()
    else dialog.current?.close()
  }, [isOpen])
  return (
    <dialog ref={dialog} aria-labelledby="help" onClose={onClose}>
      <h2 id="help">Keys</h2>
      <dl class="keys">
        {[...Keys.PLACES, ...Keys.OTHERS].map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p>Everything can be reached with Tab as well.</p>
      <p>
        <label>
          <input
            type="checkbox"
            checked={areOn}
            onChange={({ currentTarget: { checked } }) => {
              Keys.turn(checked)
              setOn(checked)
            }}
          />{" "}
          single keys do something
        </label>
      </p>
      <button type="button" onClick={onClose}>
        Close
      </button>
    </dialog>
  )
}

/** Who comes to another view is at its beginning, with the keyboard as well. */
const Main = ({ route }: { readonly route: Route }) => {
  const heading = useRef<HTMLHeadingElement>(null)
  const isFirst = useRef(true)
  const title = titleOf(route)
  // Before somebody goes on with the keyboard.
  useLayoutEffect(() => {
    document.title = route.id === undefined ? `${title} · effect-healing` : `${title} ${route.id} · effect-healing`
    if (!isFirst.current) {
      heading.current?.focus()
      window.scrollTo(0, 0)
    }
    isFirst.current = false
  }, [route.view, route.id])
  return (
    <main data-address={format(route)}>
      <h1 ref={heading} tabIndex={-1}>
        {title}
        {route.id === undefined ? null : (
          <>
            {" "}
            <Shown text={route.id} />
          </>
        )}
      </h1>
      <View route={route} />
      <Printed />
    </main>
  )
}

/** @internal */
export const Shell = ({ page }: { readonly page: Page }): VNode => {
  const [isHelpOpen, setHelpOpen] = useState(false)
  useEffect(() => Keys.listen(() => setHelpOpen(true)), [])
  const route = page.route.value
  return (
    <PageContext.Provider value={page}>
      <button type="button" class="skip" onClick={() => document.querySelector<HTMLElement>("h1")?.focus()}>
        To the content
      </button>
      <Patterns />
      <header>
        <span class="brand">effect-healing</span>
        <Nav route={route} />
        <Badge />
        <span class="who" title={page.caller.rights.join(", ")}>
          <Shown text={page.caller.name} />
          {page.caller.rights.length === 1 ? ", who may only look" : ""}
        </span>
        <button type="button" class="help" aria-label="Help: the keys" onClick={() => setHelpOpen(true)}>
          ?
        </button>
      </header>
      <Disconnected />
      <Main route={route} />
      <Help isOpen={isHelpOpen} onClose={() => setHelpOpen(false)} />
    </PageContext.Provider>
  )
}

/**
 * What stands there for somebody who may see nothing, or no more.
 *
 * @internal
 */
export const Outside = ({
  children,
  title
}: {
  readonly title: string
  readonly children: ComponentChildren
}): VNode => (
  <main class="outside">
    <h1>{title}</h1>
    {children}
  </main>
)
