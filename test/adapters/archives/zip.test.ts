/** Hostile archives: each is refused for what it is, soon, and without much memory. */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { type ArchiveLimits, ArchiveRefused, checkArchive, eachFile } from '../../../src/adapters/archives/zip.ts'
import { temporaryDirectory } from '../../support/services.ts'
import { gameFiles, text, type ZippedFile, zipOf } from '../../support/zips.ts'

const MIB = 1_048_576
const limits: ArchiveLimits = {
  ...{ unpackedMaxBytes: 16 * MIB, entriesMax: 50, ratioMax: 200, ratioFromBytes: MIB },
  ...{ pathMaxBytes: 200, pathDepthMax: 10 },
}
const directory = temporaryDirectory()
afterAll(() => directory.remove())

let count = 0
async function kept(bytes: Uint8Array): Promise<string> {
  count += 1
  const path = join(directory.path, `${count}.zip`)
  await writeFile(path, bytes)
  return path
}

/** What becomes of an archive: the names of its files, or why it is refused. */
async function outcome(bytes: Uint8Array, own: Partial<ArchiveLimits> = {}): Promise<string> {
  try {
    return (await checkArchive(await kept(bytes), { ...limits, ...own })).map(({ path }) => path).join()
  } catch (error) {
    if (error instanceof ArchiveRefused) return error.fault
    throw error
  }
}

const one = (file: ZippedFile) => zipOf([file])
const named = (name: string | Uint8Array) => outcome(one({ name, data: text('x') }))

describe('an archive', () => {
  it('is read to its end, with the first bytes of each file', async () => {
    const files: ZippedFile[] = [...gameFiles, { name: 'sounds/', mode: 0o040755 }, { name: 'sounds/a.ogg' }]
    expect(await outcome(zipOf(files))).toBe('index.html,index.js,index.wasm,index.pck,sounds/a.ogg')
    const checked = await checkArchive(await kept(zipOf(gameFiles)), limits)
    expect(checked.map(({ sizeBytes }) => sizeBytes)).toStrictEqual(gameFiles.map(({ data }) => data?.byteLength))
    expect(Buffer.from(checked[3]?.head ?? []).toString('latin1', 0, 4)).toBe('GDPC')
  })

  it('hands over the very bytes that are in it', async () => {
    const data = randomBytes(300_000)
    const path = await kept(
      zipOf([
        { name: 'a.bin', data },
        { name: 'b.bin', data, isStored: true },
      ]),
    )
    const found: Buffer[] = []
    await eachFile(path, limits, async (_, bytes) => {
      found.push(Buffer.concat(await Array.fromAsync(bytes)))
    })
    for (const each of found) expect(each.equals(data)).toBe(true)
  })

  it('that is none, or is damaged, is refused', async () => {
    const whole = zipOf(gameFiles)
    const damaged = [
      text('<html>no archive</html>'),
      new Uint8Array(),
      whole.subarray(0, whole.byteLength - 30),
      whole.subarray(40),
      one({ name: 'a.js', data: text('abc'), says: { crc: 1 } }),
      one({ name: 'a.js', data: text('abc'), method: 12 }),
      zipOf(gameFiles, { entryCount: 9 }),
    ]
    for (const bytes of damaged) expect(await outcome(bytes)).toBe('not_a_zip')
  })

  it('whose names lead elsewhere is refused', async () => {
    const names = [
      '/etc/passwd',
      '../a.js',
      'a/../../b.js',
      'a\\b.js',
      'C:/a.js',
      'c:a.js',
      'a/./b.js',
      'a//b.js',
      'a\0.js',
    ]
    for (const name of names) expect([name, await named(name)]).toStrictEqual([name, 'zip_slip'])
    for (const name of ['..a.js', 'a..js', '.a/b.js', 'é.js']) expect(await named(name)).toBe(name)
  })

  it('with long or deep paths is refused', async () => {
    expect(await named(`${'a'.repeat(198)}.js`)).toBe('path_too_long')
    expect(await named(`${'é'.repeat(99)}.js`)).toBe('path_too_long')
    expect(await named(`${'a/'.repeat(10)}b.js`)).toBe('path_too_long')
    expect(await named(`${'a/'.repeat(9)}b.js`)).toBe(`${'a/'.repeat(9)}b.js`)
  })

  it('with links, encrypted files or one name twice is refused', async () => {
    expect(await outcome(one({ name: 'a.js', data: text('/etc/passwd'), mode: 0o120777 }))).toBe('zip_symlink')
    expect(await outcome(one({ name: 'a.js', mode: 0o010644 }))).toBe('zip_symlink')
    expect(await outcome(one({ name: 'a.js', data: text('abc'), flags: 1 }))).toBe('zip_encrypted')
    for (const second of ['a.js', 'A.js', 'a.JS']) {
      expect(await outcome(zipOf([{ name: 'a.js' }, { name: second }]))).toBe('zip_duplicate')
    }
    expect(await outcome(zipOf([{ name: '\u00e9.js' }, { name: 'e\u0301.js' }]))).toBe('zip_duplicate')
  })
})

describe('a bomb', () => {
  it('of much in little is refused by what comes out, whatever it says of itself', async () => {
    const data = new Uint8Array(8 * MIB)
    expect(await outcome(one({ name: 'a.pck', data }))).toBe('zip_bomb')
    expect(await outcome(one({ name: 'a.pck', data, says: { sizeBytes: 100 } }))).toBe('zip_bomb')
    expect(await outcome(one({ name: 'a.pck', data: new Uint8Array(MIB) }))).toBe('a.pck')
  })

  it('of many files, or of much in all, is refused', async () => {
    const many = Array.from({ length: 51 }, (_, n) => ({ name: `${n}.js` }))
    expect(await outcome(zipOf(many))).toBe('zip_bomb')
    const noise = randomBytes(3 * MIB)
    const much = Array.from({ length: 6 }, (_, n) => ({ name: `${n}.pck`, data: noise, isStored: true }))
    expect(await outcome(zipOf(much))).toBe('zip_bomb')
  })

  it('is left as soon as it shows: most of it is never read', async () => {
    const bomb = one({ name: 'a.pck', data: new Uint8Array(256 * MIB) })
    const before = process.memoryUsage().rss
    expect(await outcome(bomb, { unpackedMaxBytes: 1_024 * MIB })).toBe('zip_bomb')
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB)
  })

  it('that says another size than it has is refused', async () => {
    const data = randomBytes(5_000)
    for (const sizeBytes of [1, 4_999, 5_001, 4_000_000_000]) {
      expect(await outcome(one({ name: 'a.pck', data, says: { sizeBytes } }))).toBe('not_a_zip')
      expect(await outcome(one({ name: 'a.pck', data, isStored: true, says: { sizeBytes } }))).toBe('not_a_zip')
    }
    expect(await outcome(one({ name: 'a.pck', data, says: { packedBytes: 10 } }))).toBe('not_a_zip')
    expect(await outcome(one({ name: 'a.pck', data, says: { packedBytes: 9_000_000 } }))).toBe('not_a_zip')
  })
})

describe('any archive', () => {
  it('with some bytes changed is taken or refused, and nothing else', async () => {
    const whole = zipOf([...gameFiles, { name: 'a.bin', data: randomBytes(2_000), isStored: true }])
    const changes = fc.array(fc.tuple(fc.nat(whole.byteLength - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(changes, async (chosen) => {
        const bytes = Buffer.from(whole)
        for (const [at, value] of chosen) bytes[at] = value
        expect(await outcome(bytes)).toMatch(/^[\s\S]*$/)
      }),
      { numRuns: 400 },
    )
  })
})
