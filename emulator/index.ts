export { startEmulator } from './compose.ts';
export type { Emulator, EmulatorOptions, QueueSettings } from './compose.ts';
export { ApiError } from './core/errors.ts';
export type { AppEngineUrl } from './dispatch/app-engine-origin.ts';
export type { DispatchResult } from './core/dispatch.ts';
export type { Queue, Task } from './core/model.ts';
export type { AttemptOutcome, EngineEvent, EngineListener, TaskDeletedReason } from './engine/events.ts';
export type { Profile, Warning } from './engine/production.ts';
