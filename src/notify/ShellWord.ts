/**
 * Names of jobs in commands that people copy into a shell.
 *
 * @internal
 */

/**
 * The text as one word of a shell, whatever stands in it. Signs that a terminal would take for something else are left out.
 *
 * @internal
 */
export const shellWord = (text: string): string => {
  const word = text.replaceAll(/\p{C}/gu, "")
  return /^[\w:.,@/+=%-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
