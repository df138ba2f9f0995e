import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const fromRoot = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

// `--mode full` is `npm run test:full`.
export default defineConfig(({ mode }) => ({
  root: fromRoot("."),
  resolve: {
    alias: [
      { find: /^effect-healing$/, replacement: fromRoot("src/index.ts") },
      { find: /^effect-healing\/openclaw$/, replacement: fromRoot("src/openclaw/index.ts") },
      { find: /^effect-healing\/pm2$/, replacement: fromRoot("src/supervisors/Pm2.ts") }
    ]
  },
  test: {
    include: ["test/**/*.test.ts"],
    env: mode === "full" ? { HEALING_TESTS: "full" } : {},
    // A backstop: no test takes more than a tenth of it on a slow machine.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // Also the core that is left to Vitest itself by default: many tests wait for processes most of the time.
    maxWorkers: "100%"
  }
}))
