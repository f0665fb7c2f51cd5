import { metrics, type Counter, type Histogram, type Meter, type MeterProvider } from '@opentelemetry/api';

/** What each measurement is told apart by: a few values each, never a run, a document or a person. */
export interface Labels {
  readonly task: string;
  readonly queue: string;
}

interface Instruments {
  readonly processed: Counter;
  readonly quarantined: Counter;
  readonly pages: Counter;
  readonly started: Counter;
  readonly failures: Counter;
  readonly conflicts: Counter;
  readonly deliverySeconds: Histogram;
  readonly pageSeconds: Histogram;
  readonly handlerSeconds: Histogram;
}

let made: { readonly provider: MeterProvider; readonly instruments: Instruments } | undefined;

/** Those of the SDK that is registered now: an SDK may come after this module, and instruments made before record nothing. */
export function instruments(): Instruments {
  const provider = metrics.getMeterProvider();
  if (made?.provider !== provider)
    made = { provider, instruments: makeInstruments(provider.getMeter('pageturner')) };
  return made.instruments;
}

/** Of work that waits for a mail server or goes over some hundred documents. The default buckets are those of milliseconds. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

function makeInstruments(meter: Meter): Instruments {
  const counter = (name: string, unit: string, description: string): Counter =>
    meter.createCounter(`pageturner.${name}`, { unit, description });
  const seconds = (name: string, description: string): Histogram =>
    meter.createHistogram(`pageturner.${name}`, {
      unit: 's',
      description,
      advice: { explicitBucketBoundaries: buckets },
    });
  return {
    processed: counter('documents.processed', '{document}', 'Documents handled, by pages that took effect'),
    quarantined: counter('documents.quarantined', '{document}', 'Documents set aside'),
    pages: counter('pages', '{page}', 'Pages that took effect'),
    started: counter('tasks.started', '{task}', 'Child tasks started by pages'),
    failures: counter('failures', '{failure}', 'Failures of handlers'),
    conflicts: counter('commit.conflicts', '{commit}', 'Commits that found the shard changed by another'),
    deliverySeconds: seconds('delivery.duration', 'What a worker took to deal with a delivery'),
    pageSeconds: seconds('page.duration', 'From the beginning of a delivery to the commit of its page'),
    handlerSeconds: seconds('handler.duration', 'What the handler took'),
  };
}
