/** A real browser for the tests of the page, where there is one. */
import { existsSync } from "node:fs"
import { Effect, type Scope } from "effect"
import { type Browser, chromium } from "playwright-core"

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]

const { CHROMIUM } = process.env

/** The path of a Chromium, which `CHROMIUM` may name; `CHROMIUM=none` is for none. */
export const chromiumPath: string | undefined =
  CHROMIUM === undefined ? PLACES.find((path) => existsSync(path)) : CHROMIUM === "none" ? undefined : CHROMIUM

/** It asks nobody outside for anything. */
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync"
]

/** Opens a browser of its own, with a new profile; it is closed, and the profile removed, with the scope. */
export const openBrowser: Effect.Effect<Browser, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() =>
    chromium.launch({ ...(chromiumPath !== undefined && { executablePath: chromiumPath }), args: ARGS })
  ),
  (browser) => Effect.promise(() => browser.close())
)
