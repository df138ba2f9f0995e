import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const fromRoot = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

const workers = availableParallelism() + 1

// `--mode full` is `npm run test:full`.
export default defineConfig(({ mode }) => ({
  root: fromRoot("."),
  resolve: {
    alias: [
      { find: /^effect-healing$/, replacement: fromRoot("src/index.ts") },
      { find: /^effect-healing\/http$/, replacement: fromRoot("src/http/HealingHttp.ts") },
      { find: /^effect-healing\/openclaw$/, replacement: fromRoot("src/openclaw/index.ts") },
      { find: /^effect-healing\/pm2$/, replacement: fromRoot("src/pm2/Pm2.ts") },
      { find: /^effect-healing\/procclaw$/, replacement: fromRoot("src/procclaw/ProcClaw.ts") },
      { find: /^effect-healing\/testing$/, replacement: fromRoot("src/testing/SupervisorContract.ts") }
    ]
  },
  test: {
    include: ["test/**/*.test.ts"],
    // The build of the package has the page as well.
    globalSetup: [
      mode === "full" ? "test/support/packed.ts" : "test/support/builtPage.ts",
      "test/support/postgresServer.ts"
    ],
    ...(mode === "full" && { env: { HEALING_TESTS: "full" } }),
    // A backstop: no test takes more than a tenth of it on a slow machine.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // Files share a worker, and what it has loaded: that saves a third of the time. There is one more worker than there are
    // cores, since many tests wait for processes most of the time. Their number is fixed: Vitest loses files to the end of
    // a worker that was idle for a moment.
    poolOptions: { forks: { isolate: false, minForks: workers, maxForks: workers } }
  }
}))
