/** The fault suite: longer than the tests proper, and one file at a time, since each starts a house of processes. */
import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

export default defineConfig({
  test: { ...base.test, include: ['test/faults/**/*.fault.ts'], fileParallelism: false },
})
