/**
 * What a single key does.
 *
 * @internal
 */
import { to } from "./Route.js"

/**
 * Keys that go somewhere, each with where.
 *
 * @internal
 */
export const PLACES = [
  ["n", "Now", to("now")],
  ["j", "Jobs", to("jobs")],
  ["h", "History", to("history")],
  ["s", "Suggestions", to("suggestions")],
  ["d", "Health", to("health")]
] as const

/**
 * What other keys do, for the help.
 *
 * @internal
 */
export const OTHERS = [
  ["↓ ↑", "the next and the last one of a list"],
  ["/", "the first filter"],
  ["u", "a change as a unified diff, or side by side"],
  ["?", "this help"],
  ["Esc", "closes what is open"]
] as const

const OFF = "effect-healing.keys"

/**
 * Whether single keys count. Who speaks to the browser may have said them by chance: https://www.w3.org/TR/WCAG22/#character-key-shortcuts
 *
 * @internal
 */
export const areOn = (): boolean => localStorage.getItem(OFF) !== "off"

/** @internal */
export const turn = (on: boolean): void => {
  if (on) localStorage.removeItem(OFF)
  else localStorage.setItem(OFF, "off")
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]")

/**
 * Whether the key is meant for the page: nothing is being typed, no dialog is open, and it is no shortcut of the browser.
 *
 * @internal
 */
export const isForPage = ({ altKey, ctrlKey, metaKey, target }: KeyboardEvent): boolean =>
  !altKey && !ctrlKey && !metaKey && !isTyping(target) && document.querySelector("dialog[open]") === null

/** Whether something was there to go to. */
const moveInList = (by: 1 | -1): boolean => {
  const rows = Array.from(document.querySelectorAll<HTMLElement>("[data-row]"))
  const { activeElement } = document
  const at = activeElement instanceof HTMLElement ? rows.indexOf(activeElement) : -1
  const isNowhere = activeElement === document.body || activeElement?.tagName === "H1"
  if (at === -1 && !(isNowhere && by === 1)) return false
  rows[Math.min(Math.max(at + by, 0), rows.length - 1)]?.focus()
  return rows.length > 0
}

/**
 * - `help`: opens the help.
 *
 * @internal
 */
export const listen = (help: () => void): (() => void) => {
  const pressed = (event: KeyboardEvent) => {
    const { key } = event
    if (!isForPage(event)) return
    if (key === "ArrowDown" || key === "ArrowUp") {
      if (moveInList(key === "ArrowDown" ? 1 : -1)) event.preventDefault()
      return
    }
    if (!areOn()) return
    const place = PLACES.find(([one]) => one === key)
    if (place !== undefined) location.hash = place[2]
    else if (key === "?") help()
    else if (key === "/") {
      const filter = document.querySelector<HTMLElement>("[data-filter]")
      if (filter === null) return
      filter.focus()
    } else return
    event.preventDefault()
  }
  window.addEventListener("keydown", pressed)
  return () => window.removeEventListener("keydown", pressed)
}
