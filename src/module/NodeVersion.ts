/**
 * The Node that the module needs. PM2 starts it with the Node of its daemon, whatever that is.
 *
 * @internal
 */

/** What `engines` in package.json says. */
const OLDEST = 22

/**
 * One line for a person if this Node is too old: what it is, what is needed, and what to do.
 *
 * @internal
 */
export const nodeProblem = (node: string): string | undefined =>
  Number.parseInt(node, 10) < OLDEST
    ? `error: stopped: PM2 runs on Node ${node}, and effect-healing needs Node ${OLDEST} or newer. ` +
      "To mend it: install a newer Node, then pm2 update, then pm2 restart effect-healing"
    : undefined
