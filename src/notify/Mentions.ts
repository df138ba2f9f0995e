/**
 * Foreign text in the formats of channels: it is shown as it is, whatever it says.
 *
 * @internal
 */

/** A sign of no width: with it behind an `@`, nobody is mentioned. */
const NO_BREAK = "\u2060"

/**
 * Nobody is called by it: not everybody, not a group, not a person.
 *
 * @internal
 */
export const withoutMentions = (text: string): string => text.replaceAll("@", `@${NO_BREAK}`)

/**
 * For Slack, and for those that show Markdown where Slack shows its own format. https://api.slack.com/reference/surfaces/formatting
 * asks for the first three.
 *
 * @internal
 */
export const forSlack = (text: string): string =>
  withoutMentions(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll(/[*_~`|[\]\\#!]/g, (sign) => `${sign}${NO_BREAK}`)

/**
 * For Discord, whose Markdown takes a backslash before each of its signs.
 *
 * @internal
 */
export const forDiscord = (text: string): string =>
  withoutMentions(text).replaceAll(/[\\*_~`|>#()[\]<:-]/g, (sign) => `\\${sign}`)
