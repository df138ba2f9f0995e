/**
 * @since 0.1.0
 */
export * from "./Healing.js"
export * from "./HealingConfig.js"
export * from "./HealingError.js"
export * from "./HealingService.js"
export * from "./HealingStatus.js"
export * from "./OpenClaw.js"
