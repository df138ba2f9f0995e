/**
 * Foreign text on one line.
 *
 * @internal
 */

const MAX_LINE = 1000

/** @internal */
export const oneLine = (text: string): string => {
  // Signs that move the cursor or turn a line around are no part of what is said.
  const line = text
    .replaceAll(/[^\P{C}\p{Co}\s]/gu, "")
    .trim()
    .replaceAll(/\s+/g, " ")
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line
}
