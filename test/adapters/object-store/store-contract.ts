/** What every object store does, by key. Both stores are held to it. */
import { hash, randomBytes, randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { LINK_MAX_S, type ObjectStore } from '../../../src/adapters/object-store/object-store.ts'

export const sha256 = (bytes: Uint8Array): string => hash('sha256', bytes)
export const newKey = (kind: 'uploads' | 'originals' | 'files' = 'files'): string =>
  `${kind}/live/org_1/${randomUUID()}`
const contentType = 'image/png'
const nothing = hash('sha256', '')

/** `directory` is for files of the tests. */
export function describeStore(name: string, given: () => { store: ObjectStore; directory: string; now: Date }): void {
  const put = async (key: string, bytes: Uint8Array): Promise<void> =>
    given().store.write(key, bytes, { contentType, sha256: sha256(bytes) })
  const readAll = async (key: string, expected?: string) => buffer(await given().store.read(key, expected))

  describe(name, () => {
    it('gives back the bytes that were stored, from memory or from a file', async () => {
      const { store, directory } = given()
      const bytes = randomBytes(300_000)
      const file = join(directory, randomUUID())
      await writeFile(file, bytes)
      for (const from of [bytes, file]) {
        const key = newKey()
        await store.write(key, from, { contentType, sha256: sha256(bytes) })
        expect((await readAll(key, sha256(bytes))).equals(bytes)).toBe(true)
        expect(await store.head(key)).toStrictEqual({ sizeBytes: bytes.length })
      }
    })

    it('stores an object of no bytes', async () => {
      const key = newKey()
      await put(key, Buffer.alloc(0))
      expect((await readAll(key, nothing)).length).toBe(0)
    })

    it('replaces what stood there', async () => {
      const key = newKey()
      await put(key, Buffer.from('before'))
      await put(key, Buffer.from('after'))
      expect((await readAll(key)).toString()).toBe('after')
    })

    it('takes nothing whose hash is another', async () => {
      const { store } = given()
      const key = newKey()
      const writing = store.write(key, Buffer.from('bytes'), { contentType, sha256: nothing })
      await expect(writing).rejects.toMatchObject({ name: 'ObjectDamaged' })
      expect(await store.head(key)).toBeUndefined()
    })

    it('says at the end of a read that the bytes are others', async () => {
      const key = newKey()
      await put(key, Buffer.from('bytes'))
      await expect(readAll(key, nothing)).rejects.toMatchObject({ name: 'ObjectDamaged' })
    })

    it('knows what is not there', async () => {
      const { store } = given()
      const key = newKey()
      await expect(store.read(key)).rejects.toMatchObject({ name: 'ObjectMissing' })
      await expect(store.copy(key, newKey())).rejects.toMatchObject({ name: 'ObjectMissing' })
      expect(await store.head(key)).toBeUndefined()
      await store.delete(key)
    })

    it('copies once, and says what was copied', async () => {
      const { store } = given()
      const [from, to] = [newKey('uploads'), newKey('originals')]
      const scored = Buffer.from('what was scored')
      await put(from, scored)
      const copied = { sizeBytes: scored.length, sha256: sha256(scored) }
      expect(await store.copy(from, to)).toStrictEqual(copied)
      // A link stays good after the upload, so other bytes may come.
      await put(from, Buffer.from('what was swapped in'))
      expect(await store.copy(from, to)).toStrictEqual(copied)
      await store.delete(from)
      expect((await readAll(to, copied.sha256)).equals(scored)).toBe(true)
    })

    it('deletes for good', async () => {
      const { store } = given()
      const key = newKey()
      await put(key, Buffer.from('bytes'))
      await store.delete(key)
      await store.delete(key)
      await expect(store.read(key)).rejects.toMatchObject({ name: 'ObjectMissing' })
    })

    it('lists a page at a time, each object once', async () => {
      const { store } = given()
      const prefix = `uploads/test/${randomUUID()}/`
      const keys = ['a/1', 'a/3', 'ab/2', 'b/1', 'c'].map((rest) => prefix + rest)
      for (const key of keys) await put(key, Buffer.from('x'))
      const found: string[] = []
      for (let after: string | undefined; ; after = found.at(-1)) {
        const page = await store.list(prefix, after, 2)
        expect(page.length).toBeLessThanOrEqual(2)
        found.push(...page.map(({ key }) => key))
        expect(page.every(({ sizeBytes, storedAt }) => sizeBytes === 1 && storedAt.getTime() > 0)).toBe(true)
        if (page.length === 0) break
      }
      expect(found.toSorted()).toStrictEqual(keys.toSorted())
      expect(await store.list(`${prefix}nothing/`, undefined, 10)).toStrictEqual([])
    })

    it.each([
      'files/../x',
      'files//x',
      '/files/x',
      'files/a.b',
      'files',
      'elsewhere/x',
      'files/x/',
      `files/${'x'.repeat(65)}`,
    ])('takes %j for no key', async (key) => {
      const { store, now } = given()
      const expiresAt = new Date(now.getTime() + 60_000)
      const refused = 'this is no key of an object'
      expect(() => store.putLink({ key, contentType, sizeBytes: 1, expiresAt })).toThrow(refused)
      expect(() => store.getLink({ key, contentType, filename: 'x', expiresAt })).toThrow(refused)
      await expect(store.read(key)).rejects.toThrow(refused)
      await expect(put(key, Buffer.from('x'))).rejects.toThrow(refused)
      await expect(store.head(key)).rejects.toThrow(refused)
    })

    it('makes links for seven days and no longer', () => {
      const { store, now } = given()
      const link = (lifeS: number) => {
        const expiresAt = new Date(now.getTime() + lifeS * 1_000)
        const of = { key: newKey(), contentType, expiresAt }
        return [store.getLink({ ...of, filename: 'x' }), store.putLink({ ...of, sizeBytes: 1 }).url]
      }
      expect(link(LINK_MAX_S)).toHaveLength(2)
      expect(() => link(LINK_MAX_S + 1)).toThrow(RangeError)
      expect(() => link(Number.NaN)).toThrow(RangeError)
    })

    it('makes the same link of one time, whenever it is made again', () => {
      const { store, now } = given()
      const madeAt = new Date(now.getTime() - 3_600_000)
      const expiresAt = new Date(madeAt.getTime() + LINK_MAX_S * 1_000)
      const download = { key: newKey(), contentType, filename: 'x', expiresAt }
      const link = store.getLink({ ...download, madeAt })
      expect(store.getLink({ ...download, madeAt })).toBe(link)
      // One that has ended is told again all the same.
      const ended = { ...download, expiresAt: new Date(now.getTime() - 1_000), madeAt }
      expect(store.getLink(ended)).toBe(store.getLink(ended))
      expect(() => store.getLink({ ...download, madeAt: new Date(madeAt.getTime() - 1_000) })).toThrow(RangeError)
    })
  })
}
