/**
 * @since 0.1.0
 */
export * from "./OpenClawError.js"
export * from "./OpenClawGateway.js"
export * from "./OpenClawReviewer.js"
