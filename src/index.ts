/**
 * @since 0.1.0
 */
export * from "./Healing.js"
export * from "./HealingConfig.js"
export * from "./HealingError.js"
export * from "./HealingEvent.js"
export * from "./HealingQueue.js"
export * from "./HealingRequest.js"
export * from "./HealingService.js"
export * from "./HealingStatus.js"
export * from "./HealingStore.js"
export * from "./HealingWish.js"
export * from "./OpenClaw.js"
export * from "./Reviewer.js"
