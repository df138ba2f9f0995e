/** What PM2 7.0.4 has sent, of its environment only what the tests need, and variations of it. */
import { readFileSync } from "node:fs"

const recorded = JSON.parse(readFileSync(new URL("recorded.json", import.meta.url), "utf8"))

/** In every environment of it. */
export const planted = "sk-proj-abcdefghijklmnopqrstuvwxyz012345"

/** Of a process that runs. */
export const listed = ({ env, pid = 4_194_300, ...changes }: { readonly [key: string]: unknown } = {}) => {
  const [one] = recorded.list
  return {
    ...one,
    pid,
    name: changes.name ?? one.name,
    pm_id: changes.pm_id ?? one.pm_id,
    pm2_env: { ...one.pm2_env, ...changes, env: { ...one.pm2_env.env, HEALING_OPENCLAW: undefined, ...(env ?? {}) } }
  }
}

/** Of one that has ended with exit code 1. */
export const exit = ({ at = recorded.exit.at, ...changes }: { readonly [key: string]: unknown } = {}) => ({
  ...recorded.exit,
  at,
  process: { ...recorded.exit.process, ...changes }
})

export const exception = recorded.exception

export const line = (data: string = recorded.line.data) => ({ ...recorded.line, data })

/** Of the recorded run. */
export const runId = "0-1795477010656"
