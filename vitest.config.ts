/**
 * One project for each context, one for the sample context, and one for all else. A context's project loads that context
 * alone, so that its tests say nothing of other contexts: `npm test -- --project noctant`.
 */
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { contextNames } from './src/contexts.ts'

/** A context's project loads that one alone, but for those that show others: auditors read their logs, the console their pages. */
const SHOWN: Readonly<Record<string, readonly string[]>> = {
  audit: ['noctant', 'firsthand'],
  console: ['noctant', 'audit'],
}
const loadedBy = (name: string): string => (name === 'sample' ? '' : [...(SHOWN[name] ?? []), name].join())

/** A context's tests are in folders of its name, one in each layer's. The sample context is a folder of its own. */
const ofContexts = new Map([
  ...contextNames.map((name) => [name, `test/*/${name}/**/*.test.ts`] as const),
  ['sample', 'test/sample/**/*.test.ts'] as const,
])

/** What holds for every test, the fault suite's too. */
export const common = {
  pool: 'forks',
  // Node imports our sources itself: transforming them for each project took a fifth of a run.
  experimental: { viteModuleRunner: false, nodeLoader: false },
  // Loading the sources took as long as the tests: files share processes, and clean up what they open.
  isolate: false,
  setupFiles: 'test/support/own-process.ts',
  testTimeout: 20_000,
  hookTimeout: 60_000,
  // Against a machine that stands still for a second, as a full disk queue makes one do; what holds is seen at once.
  expect: { poll: { timeout: 10_000 } },
} as const

/** Each test file belongs to exactly one of them (test/projects.test.ts). */
export const projects: (TestProjectInlineConfiguration & { test: { name: string; include: string[] } })[] = [
  ...[...ofContexts].map(([name, include]) => ({
    test: { ...common, name, include: [include], env: { TEST_CONTEXTS: loadedBy(name) } },
  })),
  { test: { ...common, name: 'kernel', include: ['test/**/*.test.ts'], exclude: [...ofContexts.values()] } },
]

/** The files of a project one after the other, its slowest first, so that they can share what a worker has loaded. */
class ByProject extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const names = [...new Set(sorted.map(({ project }) => project.name))]
    return names.flatMap((name) => sorted.filter(({ project }) => project.name === name))
  }
}

/** Once per run, whatever projects it has. */
export const globalSetup = ['test/support/global-setup.ts']

export default defineConfig({ test: { globalSetup, maxWorkers: 2, sequence: { sequencer: ByProject }, projects } })
