import { onTestFinished } from 'vitest';
import type { DispatchResult } from '../../../emulator/core/dispatch.ts';
import type { PushTarget } from '../../../emulator/core/model.ts';
import { HttpDispatcher, type HttpDispatcherOptions } from '../../../emulator/dispatch/http-dispatcher.ts';
import { httpTarget, sampleRequest } from '../samples.ts';

const noTokens: HttpDispatcherOptions['tokens'] = {
  idToken: () => Promise.reject(new Error('no tokens in this test')),
  accessToken: () => 'no-token',
};

/** A dispatcher that lives as long as the test. */
export function openDispatcher(options: Partial<HttpDispatcherOptions> = {}): HttpDispatcher {
  const dispatcher = new HttpDispatcher({ tokens: noTokens, ...options });
  onTestFinished(() => dispatcher.close());
  return dispatcher;
}

/** Makes one attempt of a task with this target, the sample's where nothing is given. */
export async function deliver(
  target: Partial<PushTarget>,
  {
    signal = new AbortController().signal,
    ...options
  }: Partial<HttpDispatcherOptions> & { signal?: AbortSignal } = {},
): Promise<DispatchResult> {
  const request = sampleRequest({ target: { ...httpTarget, ...target } as PushTarget });
  return await openDispatcher(options).dispatch(request, signal);
}
