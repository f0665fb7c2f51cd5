export { iterativeTask, task } from './core/definition.ts';
export type {
  IterativeTask,
  IterativeTaskDefinition,
  OneShotTask,
  TaskDefinition,
} from './core/definition.ts';
export type { Callbacks, OnFailed } from './core/callbacks.ts';
export type {
  CallbackContext,
  ChildOptions,
  CompletionContext,
  ErrorContext,
  HandlerContext,
  PageContext,
  StartContext,
  TaskContext,
  WritesContext,
} from './core/context.ts';
export type { EffectsReport, SampledWrite } from './core/effects-report.ts';
export { FatalTaskError, PageturnerError } from './core/errors.ts';
export type { ErrorCode, ErrorRecord } from './core/errors.ts';
export type { OnError } from './core/failure-rules.ts';
export type { StateDefinition } from './core/result.ts';
export type { PageSize, PageSizeBounds } from './core/page-size.ts';
export { repeatTask, terminateTask } from './core/outcome.ts';
export type { Outcome, Repeat, Terminate } from './core/outcome.ts';
export type { OnOtherVersion, Version } from './core/version.ts';
export type { Repeating } from './core/repeating.ts';
export { controls } from './http/controls.ts';
export type { ControlsOptions } from './http/controls.ts';
export { healer } from './http/healer.ts';
export type { HealerOptions } from './http/healer.ts';
export { starter } from './http/starter.ts';
export type { StarterOptions } from './http/starter.ts';
export type { Settable } from './http/asked-options.ts';
export { worker } from './http/worker.ts';
export type { ThrottleContext, Wait } from './core/throttle.ts';
export { cancelRun, pauseRun, resumeRun, retryRun, stopRepeating, throttleRun } from './control-run.ts';
export type { ControlOptions, StopRunOptions } from './control-run.ts';
export { healRuns } from './heal-runs.ts';
export type { HealReport } from './heal-runs.ts';
export { listSetAside } from './list-set-aside.ts';
export type { SetAsideDocument, SetAsideDocuments } from './list-set-aside.ts';
export { getRun, listRuns } from './runs.ts';
export type { ErrorSummary, RunSummary, ShardSummary } from './runs.ts';
export { startTask } from './start-task.ts';
export type { StartedRun, StartedTask, StartOptions } from './start-task.ts';
