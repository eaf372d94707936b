/** The projects of vitest.config.ts: together they have every test, each of them once, and each context has its suites. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, matchesGlob } from 'node:path'
import { expect, it } from 'vitest'
import { contextNames } from '../src/contexts.ts'
import { projects } from '../vitest.config.ts'
import { root } from './support/source.ts'

const files = globSync('test/**/*.test.ts', { cwd: root })
const projectsOf = (file: string): string[] =>
  projects
    .filter(({ test: { include, exclude = [] } }) => {
      const isIn = (patterns: readonly string[]) => patterns.some((pattern) => matchesGlob(file, pattern))
      return isIn(include) && !isIn(exclude)
    })
    .map(({ test }) => test.name)

it('have each test file in exactly one of them', () => {
  expect(files.length).toBeGreaterThan(150)
  expect(files.filter((file) => projectsOf(file).length !== 1)).toStrictEqual([])
})

it('are named after what they hold', () => {
  const held = (file: string, name: string) => expect([file, projectsOf(file)]).toStrictEqual([file, [name]])
  held('test/http/noctant/users.test.ts', 'noctant')
  held('test/audit/noctant/books.test.ts', 'noctant')
  held('test/http/audit/gate.test.ts', 'audit')
  held('test/audit/merkle.test.ts', 'kernel')
  held('test/sample/http.test.ts', 'sample')
  held('test/projects.test.ts', 'kernel')
})

it('run the suites on every context', () => {
  const wanted = contextNames.flatMap((name) => [`${name}/operations.test.ts`, `${name}/events.test.ts`])
  expect(wanted.filter((path) => !existsSync(join(root, 'test/suites', path)))).toStrictEqual([])
})

it('of contexts know no other context, but for auditors and the console, which show them', () => {
  const foreign = contextNames.flatMap((own) => {
    const others = ['audit', 'console'].includes(own) ? [] : contextNames.filter((name) => name !== own)
    const folder = String.raw`(?:\.\./)+(?:src/[\w-]+/|(?!src/)(?:[\w-]+/)?)`
    const names = new RegExp(`from '${folder}(${others.join('|') || '-'})[/.][^']*'`, 'g')
    return globSync(`test/*/${own}/**/*.ts`, { cwd: root }).flatMap((file) =>
      (readFileSync(join(root, file), 'utf8').match(names) ?? []).map((found) => `${file}: ${found}`),
    )
  })
  expect(foreign).toStrictEqual([])
})
