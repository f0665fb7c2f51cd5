import { SingleBar } from 'cli-progress';

/** How far something has come. */
export interface Progress {
  update(done: number): void;
  stop(): void;
}

/**
 * Shows progress on standard error: as a bar on a terminal, as a line for each tenth elsewhere.
 *
 * @param unit what is counted, such as `mails`
 */
export function startProgress(unit: string, total: number): Progress {
  return process.stderr.isTTY ? startBar(unit, total) : startLines(unit, total);
}

function startBar(unit: string, total: number): Progress {
  const startedAt = performance.now();
  const bar = new SingleBar({
    format: `${unit} {bar} {value}/{total} · {rate}/s`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 40,
    hideCursor: true,
    clearOnComplete: false,
  });
  const rate = (done: number): number =>
    Math.round(done / Math.max(0.001, (performance.now() - startedAt) / 1000));
  bar.start(total, 0, { rate: 0 });
  return {
    update: (done) => bar.update(done, { rate: rate(done) }),
    stop: () => bar.stop(),
  };
}

function startLines(unit: string, total: number): Progress {
  let tenths = 0;
  return {
    update(done) {
      const reached = Math.floor((done / total) * 10);
      if (reached <= tenths) return;
      tenths = reached;
      process.stderr.write(`${unit}: ${done} of ${total}\n`);
    },
    stop() {},
  };
}
