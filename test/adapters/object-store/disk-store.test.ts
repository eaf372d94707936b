/** The store in a directory, by key and by what it leaves on the disk. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDiskStore, type DiskStore } from '../../../src/adapters/object-store/disk-store.ts'
import { describeStore, newKey, sha256 } from './store-contract.ts'

const now = new Date('2026-03-02T10:00:00.000Z')
const expiresAt = new Date(now.getTime() + 60_000)
let root: string
let directory: string
let store: DiskStore

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'opslog-disk-store-'))
  directory = join(root, 'objects')
  const keys = () => [Buffer.alloc(32, 7)]
  store = createDiskStore({ directory, keys, linkBase: () => 'http://here/objects', now: () => now })
})
afterAll(() => rm(root, { recursive: true, force: true }))

describeStore('the disk store', () => ({ store, directory: root, now }))

const unfinished = () => readdir(join(directory, '.unfinished'))

/** These parts, one after the other. */
async function* body(...parts: (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part
    yield Buffer.from(part)
  }
}

describe('an upload', () => {
  const upload = (sizeBytes: number, key = newKey('uploads')) => ({
    key,
    contentType: 'image/png',
    sizeBytes,
    expiresAt,
  })

  it('is stored with exactly its size', async () => {
    const of = upload(10)
    await store.receive(of, body('hello', 'world'))
    expect(await readFile(join(directory, of.key), 'utf8')).toBe('helloworld')
    expect(await unfinished()).toStrictEqual([])
  })

  it.each([
    ['longer', ['hello', 'worlds'], 'UploadTooLong'],
    ['shorter', ['hello'], 'UploadTooShort'],
    ['empty', [], 'UploadTooShort'],
    ['cut', ['hello', new TypeError('the line broke')], 'TypeError'],
  ])('that is %s leaves nothing, and may be repeated', async (_, parts, name) => {
    const of = upload(10)
    await expect(store.receive(of, body(...parts))).rejects.toMatchObject({ name })
    expect(await store.head(of.key)).toBeUndefined()
    expect(await unfinished()).toStrictEqual([])
    await store.receive(of, body('helloworld'))
    expect(await store.head(of.key)).toStrictEqual({ sizeBytes: 10 })
  })

  it('is written once, whoever comes at the same time', async () => {
    const of = upload(5)
    const all = Array.from({ length: 20 }, (_, at) => store.receive(of, body(`no ${String(at).padStart(2, '0')}`)))
    const settled = await Promise.allSettled(all)
    const winners = settled.flatMap(({ status }, at) => (status === 'fulfilled' ? [at] : []))
    expect(winners).toHaveLength(1)
    expect(await readFile(join(directory, of.key), 'utf8')).toBe(`no ${String(winners[0]).padStart(2, '0')}`)
    await expect(store.receive(of, body('other'))).rejects.toMatchObject({ name: 'ObjectExists' })
    expect(await unfinished()).toStrictEqual([])
  })
})

describe('on the disk', () => {
  it('everything is for its owner alone', async () => {
    const key = newKey()
    await store.write(key, Buffer.from('x'), { contentType: 'image/png', sha256: sha256(Buffer.from('x')) })
    expect((await stat(join(directory, key))).mode & 0o777).toBe(0o600)
    expect((await stat(join(directory, 'files/live'))).mode & 0o777).toBe(0o700)
  })

  it('directories go with their last object', async () => {
    const key = 'files/test/org_9/file_9'
    await store.write(key, Buffer.from('x'), { contentType: 'image/png', sha256: sha256(Buffer.from('x')) })
    await store.delete(key)
    expect(await readdir(join(directory, 'files'))).not.toContain('test')
    expect(await readdir(directory)).toContain('files')
  })

  it('keys are listed once whose parts begin alike', async () => {
    const keys = ['a-b/1', 'a/1', 'a/2', 'a_b', 'aa/1'].map((rest) => `files/alike/${rest}`)
    for (const key of keys)
      await store.write(key, Buffer.alloc(0), { contentType: 'image/png', sha256: sha256(Buffer.alloc(0)) })
    const found: string[] = []
    for (let page = ['']; page.length > 0; found.push(...page)) {
      page = (await store.list('files/alike/', found.at(-1), 1)).map(({ key }) => key)
    }
    expect(found.toSorted()).toStrictEqual(keys.toSorted())
  })

  it('objects come and go in one directory at the same time', async () => {
    const bytes = Buffer.from('x')
    const of = { contentType: 'image/png', sha256: sha256(bytes) }
    const all = Array.from({ length: 40 }, async (_, at) => {
      const key = `files/test/busy/${at}`
      await store.write(key, bytes, of)
      await store.delete(key)
    })
    await Promise.all(all)
    expect(await store.list('files/test/busy/', undefined, 10)).toStrictEqual([])
  })

  it('what ended midway is removed when it is old', async () => {
    const left = (name: string) => join(directory, '.unfinished', name)
    await mkdir(join(directory, '.unfinished'), { recursive: true })
    for (const name of ['old', 'new']) await writeFile(left(name), 'half')
    await utimes(left('old'), now, new Date(now.getTime() - 7_200_000))
    expect(await store.discardUnfinished(new Date(now.getTime() - 3_600_000))).toBe(1)
    expect(await unfinished()).toStrictEqual(['new'])
    await rm(left('new'))
  })

  it('a link leads to the routes of the API and says what it is for', () => {
    const { url, headers } = store.putLink({
      key: 'uploads/live/o/u',
      contentType: 'image/png',
      sizeBytes: 3,
      expiresAt,
    })
    expect(headers).toStrictEqual({ 'content-type': 'image/png' })
    expect(url).toMatch(/^http:\/\/here\/objects\/[\w-]+\.[\w-]{43}$/)
    const grant = store.readLink(url.slice('http://here/objects/'.length))
    expect(grant).toStrictEqual({
      ...{ method: 'PUT', key: 'uploads/live/o/u', contentType: 'image/png', sizeBytes: 3, expiresAt },
    })
  })
})
