/** A process that is killed behind the storage of a bundle and before its event: nothing is served, and what lies there is swept. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { ARCADE_FILES, releaseOfKey } from '../../../src/processes/killatamata/arcade/files.ts'
import { orphansIn } from '../../../src/processes/killatamata/arcade/keeping.ts'
import type { CrashOrder } from '../../../src/runtime/crash-points.ts'
import { temporaryDirectory } from '../../support/services.ts'
import { gameFiles, zipOf } from '../../support/zips.ts'
import { arcadeIn } from './upload-process.ts'

const directory = temporaryDirectory()
afterAll(() => directory.remove())

/** Runs the upload in a process of its own, with an order for its crash points. */
async function uploading(name: string, order: CrashOrder | undefined) {
  const at = (part: string) => join(directory.path, name, part)
  mkdirSync(at('uploads'), { recursive: true })
  const archive = at('uploads/bundle.zip')
  writeFileSync(archive, zipOf(gameFiles))
  if (order) writeFileSync(at('order.json'), JSON.stringify(order))
  const program = fileURLToPath(new URL('./upload-process.ts', import.meta.url))
  const child = spawn(process.execPath, [program, at('objects'), at('uploads'), archive], {
    env: { ...process.env, CRASH_POINT_FILE: at('order.json') },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code, signal] = await once(child, 'exit')
  return { ended: signal ?? code, arcade: arcadeIn(at('objects'), at('uploads')) }
}

const IN_TWO_HOURS = () => new Date(Date.now() + 2 * 3_600_000)

describe('an upload', () => {
  it('that is whole has its files, which are young and stay', async () => {
    const { ended, arcade } = await uploading('whole', undefined)
    expect(ended).toBe(0)
    expect(await arcade.objects.list(ARCADE_FILES, undefined, 100)).toHaveLength(gameFiles.length)
    expect((await orphansIn(arcade, { time: new Date(), after: undefined, limit: 100 })).keys).toStrictEqual([])
  })

  it('that is killed before its event leaves files that no release has, which are found in pages', async () => {
    const { ended, arcade } = await uploading('killed', { at: 'arcade.after-storage', do: 'kill' })
    expect(ended).toBe('SIGKILL')
    const stored = await arcade.objects.list(ARCADE_FILES, undefined, 100)
    expect(stored).toHaveLength(gameFiles.length)
    expect(new Set(stored.map(({ key }) => releaseOfKey(key))).size).toBe(1)
    const found: string[] = []
    for (let after: string | undefined; ; ) {
      const page = await orphansIn(arcade, { time: IN_TWO_HOURS(), after, limit: 3 })
      found.push(...page.keys)
      after = page.next
      if (after === undefined) break
    }
    expect(found).toStrictEqual(stored.map(({ key }) => key))
  })
})
