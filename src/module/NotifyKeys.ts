/**
 * The channels that `pm2 set effect-healing:notify_...` makes.
 *
 * @internal
 */
import { isAbsolute } from "node:path"
import type { NotifyChannelInput } from "../settings/HealingConfig.js"

const isAddress = (value: string): boolean => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)

const AN_ADDRESS = "an address that begins with https:// or http://"

const A_FILE = "the absolute path of a file that only its user may read (chmod 600)"

const OPENCLAW = /^([\w-]{1,64}):(\S+)$/

/**
 * What each may be.
 *
 * @internal
 */
export const expected = {
  notify_slack: AN_ADDRESS,
  notify_slack_file: A_FILE,
  notify_discord: AN_ADDRESS,
  notify_discord_file: A_FILE,
  notify_ntfy: `${AN_ADDRESS}, and ends with a topic`,
  notify_ntfy_file: A_FILE,
  notify_webhook: AN_ADDRESS,
  notify_webhook_file: A_FILE,
  notify_webhook_secret_file: A_FILE,
  notify_openclaw: "a channel of OpenClaw and whom to tell there, such as whatsapp:+15550100"
}

/** @internal */
export type NotifyKey = keyof typeof expected

/** @internal */
export const checks: Readonly<Record<NotifyKey, (value: string) => boolean>> = {
  notify_slack: isAddress,
  notify_slack_file: isAbsolute,
  notify_discord: isAddress,
  notify_discord_file: isAbsolute,
  notify_ntfy: isAddress,
  notify_ntfy_file: isAbsolute,
  notify_webhook: isAddress,
  notify_webhook_file: isAbsolute,
  notify_webhook_secret_file: isAbsolute,
  notify_openclaw: (value) => OPENCLAW.test(value)
}

/**
 * Whether what stands there may be a secret.
 *
 * @internal
 */
export const isSecret = (key: string): boolean => key in expected && !key.endsWith("_file")

type Values = Partial<Readonly<Record<NotifyKey, string>>>

const addressOf = (values: Values, type: "slack" | "discord" | "ntfy" | "webhook") => {
  const { [`notify_${type}` as const]: url, [`notify_${type}_file` as const]: urlFile } = values
  if (urlFile !== undefined) return { urlFile }
  return url === undefined ? undefined : { url }
}

/**
 * Those of which there are two where there may be one.
 *
 * @internal
 */
export const doubles = (values: Values): ReadonlyArray<NotifyKey> =>
  (["notify_slack", "notify_discord", "notify_ntfy", "notify_webhook"] as const).filter(
    (key) => values[key] !== undefined && values[`${key}_file`] !== undefined
  )

/**
 * By the names of their types.
 *
 * - `command`: the program that is OpenClaw.
 *
 * @internal
 */
export const channelsOf = (
  values: Values,
  command: string | undefined
): Readonly<Record<string, NotifyChannelInput>> => {
  const { notify_openclaw: openclaw = "", notify_webhook_secret_file: secretFile } = values
  const [slack, discord, ntfy, webhook] = (["slack", "discord", "ntfy", "webhook"] as const).map((type) =>
    addressOf(values, type)
  )
  const [, channel, target] = OPENCLAW.exec(openclaw) ?? []
  const channels: Record<string, NotifyChannelInput> = {}
  if (slack !== undefined) channels.slack = { type: "slack", ...slack }
  if (discord !== undefined) channels.discord = { type: "discord", ...discord }
  if (ntfy !== undefined) channels.ntfy = { type: "ntfy", ...ntfy }
  if (webhook !== undefined)
    channels.webhook = { type: "webhook", ...webhook, ...(secretFile !== undefined && { secretFile }) }
  if (channel !== undefined && target !== undefined)
    channels.openclaw = { type: "openclaw", channel, target, ...(command !== undefined && { command }) }
  return channels
}

/**
 * The key of `pm2 set` by which something of these channels is named in a problem, if there is one.
 *
 * @internal
 */
export const keyOf = (setting: string): NotifyKey | undefined => {
  const [, type, what = ""] = /^notify\.channels\.(\w+)(?:\.(\w+))?$/.exec(setting) ?? []
  if (type === undefined) return undefined
  const key = `notify_${type}${what.startsWith("secret") ? "_secret" : ""}${what.endsWith("File") ? "_file" : ""}`
  return key in expected ? (key as NotifyKey) : undefined
}
