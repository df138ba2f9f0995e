/**
 * @since 0.1.0
 */

export * from "./gate/HealingService.js"
export * from "./gate/HealingStatus.js"
export * from "./Healing.js"
export * from "./HealingError.js"
export * from "./policy/HealingPolicy.js"
export * from "./policy/HealingSchedule.js"
export * from "./queue/HealingEvent.js"
export * from "./queue/HealingQueue.js"
export * from "./queue/HealingWish.js"
export * from "./request/HealingRequest.js"
export * from "./request/Report.js"
export * from "./request/ReportMarkdown.js"
export * from "./review/Reviewer.js"
export * from "./running/OpenClaw.js"
export * from "./scheduler/HealingScheduler.js"
export * from "./settings/HealingConfig.js"
export * from "./store/HealingStore.js"
export * from "./supervisor/Evidence.js"
export * from "./supervisor/JobRegistry.js"
export * from "./supervisor/Supervisor.js"
