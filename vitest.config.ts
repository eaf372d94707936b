import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Against a machine that stands still for a second, as a full disk queue makes one do; what holds is seen at once.
    expect: { poll: { timeout: 10_000 } },
  },
})
