/**
 * A reporter for CI: what failed or did not end, and where a run's time went, as seconds per project and the ten slowest
 * files. The seconds of a file are those of its worker: start, imports, hooks and tests. Files run side by side, so that
 * the sums exceed the clock's.
 */
import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

const SLOWEST = 10
const FAILURES_MAX = 20
const MESSAGE_CHARACTERS = 300

interface Spent {
  name: string
  project: string
  importMs: number
  totalMs: number
}

function spentOn(module: TestModule): Spent {
  const { prepareDuration, environmentSetupDuration, setupDuration, collectDuration, duration } = module.diagnostic()
  return {
    name: module.relativeModuleId,
    project: module.project.name,
    importMs: collectDuration,
    totalMs: prepareDuration + environmentSetupDuration + setupDuration + collectDuration + duration,
  }
}

const seconds = (ms: number) => (ms / 1_000).toFixed(1).padStart(8)
const line = (label: string, ...ms: number[]) => `${ms.map(seconds).join('')}  ${label}`
const sum = (of: readonly Spent[], pick: (spent: Spent) => number) => of.reduce((total, each) => total + pick(each), 0)

/** The lines of the table; the first column is seconds in all, the second those of them that imports took. */
export function tableOf(spent: readonly Spent[]): string[] {
  const byProject = Object.entries(Object.groupBy(spent, ({ project }) => project)).map(([project, files = []]) => {
    const label = `${project} (${files.length} files)`
    return { label, totalMs: sum(files, (file) => file.totalMs), importMs: sum(files, (file) => file.importMs) }
  })
  const slowest = spent.toSorted((one, other) => other.totalMs - one.totalMs).slice(0, SLOWEST)
  return [
    '     all of it  by project, in seconds',
    '          imports',
    ...byProject.toSorted((a, b) => b.totalMs - a.totalMs).map((each) => line(each.label, each.totalMs, each.importMs)),
    '     the slowest files',
    ...slowest.map(({ name, totalMs, importMs }) => line(name, totalMs, importMs)),
  ]
}

const firstLine = (message = '') => message.split('\n', 1)[0]?.slice(0, MESSAGE_CHARACTERS) ?? ''

/** A line for each test that failed or did not end, and for each file that failed outside its tests; twenty at most. */
function failuresOf(modules: readonly TestModule[], errors: readonly { message: string }[]): string[] {
  const inModules = modules.flatMap((module) => {
    if (module.ok() && module.state() === 'passed') return []
    const tests = [...module.children.allTests()].filter((test) => ['failed', 'pending'].includes(test.result().state))
    const inFile = module.errors().map(({ message }) => `${module.relativeModuleId}: ${firstLine(message)}`)
    const inTests = tests.map((test) => {
      const { state, errors: failures } = test.result()
      return `${module.relativeModuleId} > ${test.fullName}: ${state} ${firstLine(failures?.[0]?.message)}`
    })
    return inFile.length + inTests.length > 0
      ? [...inFile, ...inTests]
      : [`${module.relativeModuleId}: ${module.state()}`]
  })
  const found = [...errors.map(({ message }) => `outside of tests: ${firstLine(message)}`), ...inModules]
  if (found.length === 0) return []
  return ['     what failed or did not end', ...found.slice(0, FAILURES_MAX), `     ${found.length} in all`]
}

/** Writes the tables to DURATIONS_FILE at the end of the run, or prints them where that is unset. */
export default class Durations implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly { message: string }[]): void {
    const text = `${[...tableOf(modules.map(spentOn)), ...failuresOf(modules, errors)].join('\n')}\n`
    const { DURATIONS_FILE: file } = process.env
    if (file) writeFileSync(file, text)
    else process.stdout.write(text)
  }
}
