/**
 * What the browser keeps for the page: in this tab, or for good. Where it may keep nothing, the page does until it is left.
 *
 * @internal
 */
const inMemory = new Map<string, string>()

/** Whether the browser lets it be done. */
const tried = (act: () => void): boolean => {
  try {
    act()
    return true
  } catch {
    return false
  }
}

/** @internal */
export interface Kept {
  readonly get: (key: string) => string | undefined
  readonly set: (key: string, value: string) => void
  readonly remove: (key: string) => void
}

const keptIn = (storage: () => Storage): Kept => ({
  get: (key) => {
    let value: string | null = null
    tried(() => {
      value = storage().getItem(key)
    })
    return value ?? inMemory.get(key)
  },
  set: (key, value) => {
    inMemory.delete(key)
    if (!tried(() => storage().setItem(key, value))) inMemory.set(key, value)
  },
  remove: (key) => {
    inMemory.delete(key)
    tried(() => storage().removeItem(key))
  }
})

/**
 * Until the tab is closed.
 *
 * @internal
 */
export const inTab = keptIn(() => sessionStorage)

/**
 * For all tabs.
 *
 * @internal
 */
export const forGood = keptIn(() => localStorage)
