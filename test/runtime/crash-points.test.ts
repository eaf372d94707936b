/** The crash points themselves: what they do when they are ordered, and that they do nothing otherwise. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { CrashOrder } from '../../src/runtime/crash-points.ts'
import { temporaryDirectory } from '../support/services.ts'
import { filesUnder, root } from '../support/source.ts'

const directory = temporaryDirectory()
afterAll(() => directory.remove())
let files = 0

/** A process that passes two places, each three times; with what it said and how it ended. */
async function pass(order: CrashOrder | undefined, environment: Record<string, string> = {}) {
  const file = join(directory.path, `order-${++files}.json`)
  if (order) writeFileSync(file, JSON.stringify(order))
  const program = `
    import { crashPoint } from ${JSON.stringify(join(root, 'src/runtime/crash-points.ts'))}
    for (const n of [1, 2, 3]) {
      crashPoint('relay.before-publish', { n: BigInt(n) })
      console.log('published ' + n)
      crashPoint('relay.after-publish')
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, CRASH_POINT_FILE: file, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(String(chunk)))
  const [, signal] = await once(child, 'close')
  return { published: said.join('').match(/published/g)?.length ?? 0, signal, said: said.join(''), file }
}

describe('a crash point', () => {
  it('kills where it was ordered, at the pass and about the subject that were named, and once', async () => {
    const killed = await pass({ at: 'relay.after-publish', pass: 2, do: 'kill' })
    expect([killed.published, killed.signal]).toEqual([2, 'SIGKILL'])
    expect(existsSync(killed.file)).toBe(false)
    expect(JSON.parse(readFileSync(`${killed.file}.reached`, 'utf8')).pass).toBe(2)
    const about = await pass({ at: 'relay.before-publish', about: '"n":"3"', do: 'kill' })
    expect([about.published, about.signal]).toEqual([2, 'SIGKILL'])
  })

  it('throws where that was ordered', async () => {
    const { said, published } = await pass({ at: 'relay.before-publish', do: 'throw' })
    expect([published, said.includes('CrashPointReached')]).toEqual([0, true])
  })

  it('is passed where nothing was ordered, where something else was, and always in production', async () => {
    expect((await pass(undefined)).published).toBe(3)
    expect((await pass({ at: 'engine.before-sync', do: 'kill' })).published).toBe(3)
    expect((await pass({ at: 'relay.after-publish', do: 'kill' }, { NODE_ENV: 'production' })).published).toBe(3)
    expect((await pass({ at: 'relay.after-publish', do: 'kill' }, { CRASH_POINT_FILE: '' })).published).toBe(3)
  })

  it('stands in the code for every name that a test orders, and a test orders each', () => {
    const namesIn = (folder: string, pattern: RegExp) =>
      new Set(filesUnder(folder).flatMap(({ text }) => [...text.matchAll(pattern)].map(([, name = '']) => name)))
    const marked = namesIn('src', /crashPoint\('([a-z-]+\.[a-z-]+)'/g)
    const parts = [...marked].map((name) => name.slice(0, name.indexOf('.'))).join('|')
    const ordered = namesIn('test', new RegExp(`'((?:${parts})\\.(?:before|after|between)-[a-z-]+)'`, 'g'))
    expect([...ordered].sort()).toEqual([...marked].sort())
  })
})
