/**
 * What stands where a secret stood.
 *
 * @internal
 */
export const placeholder = "[secret]"

/**
 * Where a match that begins here ends; here if there is none.
 *
 * @internal
 */
export const endOf = (sticky: RegExp, text: string, index: number): number => {
  sticky.lastIndex = index
  return sticky.test(text) ? sticky.lastIndex : index
}
