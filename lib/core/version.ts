/** What a task's version is: compared, and never ordered. */
export type Version = string | number;

/** What a worker does with a run that knows other versions of its task only: see `IterativeTaskDefinition`. */
export type OnOtherVersion = 'continue' | 'pause' | 'fail';

/** What a task's definition says of its version. */
export interface VersionPolicy {
  readonly version?: Version;
  readonly onOtherVersion?: OnOtherVersion;
}

/** What is wrong with it, if anything. */
export function faultOfVersion({ version, onOtherVersion }: VersionPolicy): string | undefined {
  if (onOtherVersion !== undefined && !['continue', 'pause', 'fail'].includes(onOtherVersion))
    return `has onOtherVersion ${JSON.stringify(onOtherVersion)}: write 'continue', 'pause' or 'fail'`;
  if (version === undefined)
    return onOtherVersion && 'has onOtherVersion and no version: write version, such as 1';
  const isText = typeof version === 'string' && version.length >= 1 && version.length <= 100;
  if (isText || (typeof version === 'number' && Number.isFinite(version))) return undefined;
  return `has version ${JSON.stringify(version)}: write a number or up to 100 characters`;
}
