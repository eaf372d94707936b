/** The README says nothing that is not so: its files, scripts, commands and settings exist. */
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeConfig, ROLES } from '../src/config.ts'
import { runCli } from './support/cli.ts'
import { apis, contexts } from './support/contexts.ts'
import { root } from './support/source.ts'

const readme = readFileSync(join(root, 'README.md'), 'utf8')
const all = (pattern: RegExp): string[] => [...new Set([...readme.matchAll(pattern)].map((match) => match[1]!))]

describe('the README', () => {
  it('points at files that exist', () => {
    const links = all(/\]\(([^)#]+)\)/g)
    const paths = all(/(?<![\w/.])((?:src|test|docs)\/[\w./-]*)/g)
    expect(links.length + paths.length).toBeGreaterThan(15)
    expect([...links, ...paths].filter((path) => !existsSync(join(root, path)))).toStrictEqual([])
  })

  it('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const named = all(/npm (?:run )?(start|test|demo|check|opslog|fix|bench|generate)\b/g)
    expect(named.filter((script) => !(script in scripts))).toStrictEqual([])
  })

  it('names settings that exist, and every role', () => {
    // EVENTSTORE_IMAGE is compose.yaml's.
    const known = [...describeConfig(contexts).map(({ name }) => name), 'EVENTSTORE_IMAGE']
    const named = all(/\b([A-Z]+(?:_[A-Z]+)+|PORT|HOST|ROLES)\b/g)
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((name) => !known.includes(name))).toStrictEqual([])
    expect(
      all(/^\| `(\w+)` \| [^|]+ \| [^|]+ \|$/gm).filter((role) => (ROLES as readonly string[]).includes(role)),
    ).toStrictEqual([...ROLES])
  })

  it('and every other document point at files that exist', () => {
    const documents = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    const written = documents.filter((path) => path.endsWith('.md')).map((path) => join('docs', path))
    const links = written.flatMap((path) =>
      [...readFileSync(join(root, path), 'utf8').matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)].map(
        ([, link = '']) => ({
          path,
          link,
        }),
      ),
    )
    expect(links.length).toBeGreaterThan(20)
    expect(links.filter(({ path, link }) => !existsSync(join(root, dirname(path), link)))).toStrictEqual([])
  })

  it('and the how-tos name files and functions that exist', () => {
    const howTos = ['adding-an-operation', 'adding-a-context'].map((name) =>
      readFileSync(join(root, 'docs', `${name}.md`), 'utf8'),
    )
    const words = howTos.flatMap((text) => [...text.matchAll(/`([\w./-]+)[^`]*`/g)].map(([, word = '']) => word))
    const paths = words.filter((word) => /^(src|test)\/.*\w\.ts$|^(src|test)\/.*\w\/$/.test(word))
    const names = words.filter((word) => /^[a-z]+[A-Z]\w+$/.test(word))
    expect(Math.min(paths.length, names.length)).toBeGreaterThan(10)
    expect(paths.filter((path) => !existsSync(join(root, path)))).toStrictEqual([])
    const sources = globSync('{src,test}/**/*.ts', { cwd: root })
    const code = sources.map((path) => readFileSync(join(root, path), 'utf8')).join('\n')
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(code))).toStrictEqual([])
  })

  it('and every other document name settings that exist', () => {
    // O_DSYNC is a flag of the operating system's; some contexts write the codes of refusals like settings.
    const codes = apis.flatMap(({ errors }) => Object.values(errors.codes).map(({ shownAs = '' }) => shownAs))
    const known = new Set([...describeConfig(contexts).map(({ name }) => name), ...codes, 'O_DSYNC'])
    const written = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    const documents = ['SECURITY.md', ...written.map((name) => `docs/${name}`)]
    const named = documents
      .filter((path) => path.endsWith('.md'))
      .flatMap((path) => {
        const text = readFileSync(join(root, path), 'utf8')
        const inCode =
          path === 'SECURITY.md' ? /`([A-Z]+(?:_[A-Z]+)+|[a-z]+(?:[A-Z][a-z]+)+)`/g : /`([A-Z]+(?:_[A-Z]+)+)`/g
        const settings = [...text.matchAll(inCode)]
        return settings.map(([, name]) => ({ path, name: name ?? '' }))
      })
    expect(named.filter(({ path }) => path === 'SECURITY.md').length).toBeGreaterThan(5)
    expect(named.filter(({ name }) => !known.has(name))).toStrictEqual([])
  })

  it('names commands that exist', async () => {
    const commands = [...new Set(all(/npm run opslog -- ([a-z][a-z-]*(?: [a-z][a-z-]*)*)/g))]
    expect(commands.length).toBeGreaterThan(5)
    const named = commands.map((command) => command.split(' ').slice(0, command.startsWith('admin') ? 3 : 2))
    const answers = await Promise.all(named.map((words) => runCli([...words, '--help'])))
    for (const [index, { exitCode, stdout }] of answers.entries()) {
      const command = named[index]!.join(' ')
      expect({ command, exitCode }).toStrictEqual({ command, exitCode: 0 })
      expect(stdout).toContain(`Usage: opslog ${command}`)
    }
  }, 60_000)
})
