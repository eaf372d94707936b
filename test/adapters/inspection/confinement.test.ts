/** What the inspector's child process may not do, and how it is replaced. */
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { InspectorCrashed } from '../../../src/adapters/inspection/inspection.ts'
import { createInspector } from '../../../src/adapters/inspection/inspector.ts'
import { launchConfined } from '../../../src/adapters/inspection/launch.ts'
import { flat, picture, workFolder } from './files.ts'

const folder = workFolder()
const closing: (() => Promise<void>)[] = []

afterAll(async () => {
  for (const close of closing) await close()
  folder.remove()
})

function open(limits: Parameters<typeof createInspector>[0]['limits'] = {}) {
  const inspector = createInspector({ directory: folder.path, limits })
  closing.push(inspector.close)
  return inspector
}

let copies = 0
const request = (path: string) => ({
  ...{ path, declaredType: 'image/png', acceptedTypes: ['image/png'], copyPath: join(folder.path, `copy-${copies++}`) },
})
const png = await picture(1).png().toBuffer()

it('the child has an empty environment, no network, no other programs, and no files but its own', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  writeFileSync(join(folder.path, 'mine'), 'x')
  const noNetwork = join(import.meta.dirname, '../../../src/adapters/inspection/no-network.ts')
  const program = join(folder.path, 'tries.mjs')
  writeFileSync(
    program,
    `import ${JSON.stringify(noNetwork)}
    import { execFileSync } from 'node:child_process'
    import { readFileSync, writeFileSync } from 'node:fs'
    import { connect } from 'node:net'
    const outcome = async (work) => { try { await work(); return 'done' } catch (error) { return error.code ?? error.message } }
    process.send({
      environment: Object.keys(process.env),
      connect: await outcome(() => new Promise((resolve, reject) => connect(${port}, '127.0.0.1').on('connect', resolve).on('error', reject))),
      fetch: await outcome(() => fetch('http://127.0.0.1:${port}/', { signal: AbortSignal.timeout(2_000) }).catch((error) => { throw error.cause ?? error })),
      program: await outcome(() => execFileSync('/bin/true')),
      foreign: await outcome(() => readFileSync('/etc/passwd')),
      own: await outcome(() => readFileSync(${JSON.stringify(join(folder.path, 'mine'))})),
      write: await outcome(() => writeFileSync('/tmp/inspector-was-here', 'x')),
    })`,
  )
  const child = launchConfined(folder.path, program)
  const [seen] = await once(child, 'message')
  child.kill()
  server.close()
  expect(seen).toStrictEqual({
    environment: [],
    connect: 'the inspector has no network',
    fetch: 'the inspector has no network',
    program: 'ERR_ACCESS_DENIED',
    foreign: 'ERR_ACCESS_DENIED',
    own: 'done',
    write: 'ERR_ACCESS_DENIED',
  })
  expect(existsSync('/tmp/inspector-was-here')).toBe(false)
})

describe('the inspector', () => {
  it('says that a file is gone, which is no fault of a file', async () => {
    const asked = open().inspect(request(join(folder.path, 'nowhere')))
    await expect(asked).rejects.toThrow(/ENOENT/)
    await expect(asked).rejects.not.toBeInstanceOf(InspectorCrashed)
  })

  it('kills a child that takes too long, and goes on with another', async () => {
    const inspector = open({ timeMaxMs: 1 })
    const path = folder.put(png)
    await expect(inspector.inspect(request(path))).rejects.toMatchObject({ name: 'InspectorCrashed', cause: 'time' })
    expect((await open().inspect(request(path))).fault).toBeNull()
  })

  it('kills a child that takes too much memory, and goes on with another', async () => {
    const inspector = open({ memoryMaxBytes: 150_000_000, watchIntervalMs: 2 })
    // To be turned, it has to be in memory as a whole.
    const large = folder.put(await flat(7_000, 7_000).withMetadata({ orientation: 6 }).png().toBuffer())
    await expect(inspector.inspect(request(large))).rejects.toMatchObject({ name: 'InspectorCrashed', cause: 'memory' })
    expect((await inspector.inspect(request(folder.put(png)))).fault).toBeNull()
  })

  it('looks at one file after the other, in several processes', async () => {
    const inspector = open({ filesMax: 2 })
    const paths = Array.from({ length: 5 }, () => folder.put(png))
    const found = await Promise.all(paths.map((path) => inspector.inspect(request(path))))
    expect(new Set(found.map(({ copy }) => copy?.sha256)).size).toBe(1)
  })

  it('makes a small picture for a model where one is wanted, without anything in it', async () => {
    const previewPath = join(folder.path, 'preview')
    await open().inspect({
      ...request(folder.put(await picture(2, { width: 2_000, height: 1_000 }).png().toBuffer())),
      previewPath,
    })
    expect(readFileSync(previewPath).subarray(0, 3)).toStrictEqual(Buffer.from([0xff, 0xd8, 0xff]))
  })
})
