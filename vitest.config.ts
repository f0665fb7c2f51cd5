import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
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
