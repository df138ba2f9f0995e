/**
 * Text that chats show as it is.
 *
 * @internal
 */
import { withoutMentions } from "../Mentions.js"

const FENCE = "```"

/**
 * Nothing in it ends the block.
 *
 * @internal
 */
export const codeBlock = (text: string): string =>
  `${FENCE}\n${withoutMentions(text).replaceAll(/`(?=`)/g, "`\u2060")}\n${FENCE}`
