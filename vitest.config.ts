import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Begins with the simulation's histories, which need a core each and nothing else, and with the deaths by memory, which wait for minutes. Ends
 * with the storm, which kills a process each second and needs both cores for what it starts: beside other tests it takes thrice as long.
 */
class HeavyApart extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line no-array-sort -- it is no array
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}

function placeOf({ moduleId }: TestSpecification): number {
  if (moduleId.includes('/simulation/histories-')) return 0;
  if (moduleId.includes('/integration/memory/')) return 1;
  return moduleId.includes('/integration/storm/') ? 3 : 2;
}

/** Files that need a process of their own, and why. */
const apart = [
  // They change its environment or replace modules.
  'test/cli/{bad-machine,exec,place,runs-in-every-state}.test.ts',
  'test/cli/local/**/*.test.ts',
  // They want all of its core, or count its memory.
  'test/simulation/**/*.test.ts',
  'test/integration/{fuzz,memory,storm}/**/*.test.ts',
  // They set what is global in it.
  'test/integration/telemetry/**/*.test.ts',
];

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'apart', include: apart } },
      // The others share two processes, which take file after file: to load Google's clients for each anew costs a second of a core.
      {
        extends: true,
        test: { name: 'shared', include: ['test/**/*.test.ts'], exclude: apart, isolate: false },
      },
    ],
    globalSetup: ['test/support/global-setup.ts'],
    sequence: { sequencer: HeavyApart },
    // Processes rather than threads: tests set their own environment and start real servers.
    pool: 'forks',
    // Firestore's own getPartitions makes its client print this, whoever calls it.
    // A larger nursery spares the simulation's thousands of short-lived worlds a quarter of their time.
    execArgv: ['--disable-warning=AutopaginateTrueWarning', '--max-semi-space-size=64'],
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    slowTestThreshold: 5_000,
  },
});

export default config;
