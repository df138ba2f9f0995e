/**
 * Text that chats show as it is.
 *
 * @internal
 */
import { withoutMentions } from "../Mentions.js"

const FENCE = "```"

/** What the fences and their line breaks take. */
export const FRAME = 2 * FENCE.length + 2

/**
 * Nothing in it ends the block.
 *
 * @internal
 */
export const codeBlock = (text: string): string =>
  `${FENCE}\n${withoutMentions(text).replaceAll(/`(?=`)/g, "`\u2060")}\n${FENCE}`
