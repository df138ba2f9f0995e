/**
 * What a single key does.
 *
 * @internal
 */
import * as Kept from "./Kept.js"
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
  ["l", "the first of a list"],
  ["↓ ↑", "the next and the one before, in a list"],
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
export const areOn = (): boolean => Kept.forGood.get(OFF) !== "off"

/** @internal */
export const turn = (on: boolean): void => {
  if (on) Kept.forGood.remove(OFF)
  else Kept.forGood.set(OFF, "off")
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

const rows = (): ReadonlyArray<HTMLElement> => Array.from(document.querySelectorAll<HTMLElement>("[data-row]"))

/** From one of a list to the next. Anywhere else, the key scrolls as usual. */
const move = (by: 1 | -1): boolean => {
  const all = rows()
  const { activeElement } = document
  const at = activeElement instanceof HTMLElement ? all.indexOf(activeElement) : -1
  if (at === -1) return false
  all[Math.min(Math.max(at + by, 0), all.length - 1)]?.focus()
  return true
}

const focusFirst = (element: HTMLElement | null | undefined): boolean => {
  element?.focus()
  return element !== null && element !== undefined
}

/** Whether the key has done something. */
const done = (key: string, help: () => void): boolean => {
  const place = PLACES.find(([one]) => one === key)
  if (place !== undefined) location.hash = place[2]
  else if (key === "?") help()
  else if (key === "/") return focusFirst(document.querySelector<HTMLElement>("[data-filter]"))
  else if (key === "l") return focusFirst(rows()[0])
  else return (key === "ArrowDown" || key === "ArrowUp") && move(key === "ArrowDown" ? 1 : -1)
  return true
}

/**
 * - `help`: opens the help.
 *
 * @internal
 */
export const listen = (help: () => void): (() => void) => {
  const pressed = (event: KeyboardEvent) => {
    if (areOn() && isForPage(event) && done(event.key, help)) event.preventDefault()
  }
  window.addEventListener("keydown", pressed)
  return () => window.removeEventListener("keydown", pressed)
}
