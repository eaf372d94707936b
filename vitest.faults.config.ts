/** The fault suite: longer than the tests proper, and one file at a time, since each starts a house of processes. */
import { defineConfig } from 'vitest/config'
import { common, globalSetup } from './vitest.config.ts'

export default defineConfig({
  test: { ...common, globalSetup, include: ['test/faults/**/*.fault.ts'], fileParallelism: false, isolate: true },
})
