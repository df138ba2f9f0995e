/** A real browser for the tests of the page, where there is one. */
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type BrowserContext, type BrowserContextOptions, chromium } from "playwright-core"

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

/** Opens a browser of its own, with a new profile, and closes it after `use`. */
export const withBrowser = async <A>(
  use: (browser: BrowserContext) => Promise<A>,
  options: BrowserContextOptions = {}
): Promise<A> => {
  const profile = mkdtempSync(join(tmpdir(), "effect-healing-browser-"))
  const browser = await chromium.launchPersistentContext(profile, {
    ...(chromiumPath !== undefined && { executablePath: chromiumPath }),
    args: ARGS,
    ...options
  })
  try {
    return await use(browser)
  } finally {
    await browser.close()
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}
