/** Sound and films that lie, are cut, or carry what nobody asked for: boxes and frames set by hand, through one inspector. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createInspector } from '../../../src/adapters/inspection/inspector.ts'
import { starsOf } from '../../../src/adapters/inspection/stars.ts'
import { box, film, id3, mp3, placeOf, wav, workFolder } from './files.ts'

const folder = workFolder()
const inspector = createInspector({ directory: folder.path })
let copies = 0

afterAll(async () => {
  await inspector.close()
  folder.remove()
})

async function look(bytes: Uint8Array, declaredType: string) {
  const copyPath = join(folder.path, `copy-${copies++}`)
  const request = { path: folder.put(bytes), declaredType, acceptedTypes: [declaredType], copyPath }
  const inspection = await inspector.inspect(request)
  return {
    ...inspection,
    ...starsOf(inspection, false),
    bytes: inspection.fault ? Buffer.alloc(0) : readFileSync(copyPath),
  }
}

/** The bytes with a 32-bit number at a place. */
function withNumber(bytes: Buffer, at: number, value: number): Buffer {
  const changed = Buffer.from(bytes)
  changed.writeUInt32BE(value, at)
  return changed
}

/** A box as the last one in the boxes on the way to it, whose lengths follow. The index stands behind the samples. */
function withBox(film: Buffer, way: readonly string[], added: Buffer): Buffer {
  const places = way.map((type) => placeOf(film, type))
  const end = places.at(-1)! + film.readUInt32BE(places.at(-1)!)
  const changed = Buffer.concat([film.subarray(0, end), added, film.subarray(end)])
  for (const at of places) changed.writeUInt32BE(film.readUInt32BE(at) + added.length, at)
  return changed
}

describe('WAV', () => {
  it.each([8, 16, 24, 32])('of %i bits is measured, and rewritten with its sound alone', async (bits) => {
    const { stars, media, bytes } = await look(wav({ bits, level: 0.5 }), 'audio/wav')
    expect(stars).toBe(5)
    expect(media?.durationSeconds).toBe(2)
    expect(media?.peak).toBeCloseTo(0.5, 1)
    expect(bytes).toStrictEqual(wav({ bits, level: 0.5 }))
  })

  it('loses every other part', async () => {
    const sound = wav()
    const list = Buffer.from('LIST\x0e\0\0\0INFOIART\x02\0\0\0Me', 'latin1')
    const sent = Buffer.concat([
      sound.subarray(0, 36),
      list,
      sound.subarray(36),
      Buffer.from('id3 \x04\0\0\0evil', 'latin1'),
    ])
    const { stars, bytes } = await look(sent, 'audio/wav')
    expect(stars).toBe(5)
    expect(bytes).toStrictEqual(sound)
  })

  it('of unknown length reaches to the end of the file', async () => {
    const sent = wav()
    sent.writeUInt32LE(0xffff_ffff, 4)
    sent.writeUInt32LE(0xffff_ffff, 40)
    const { stars, bytes } = await look(sent, 'audio/wav')
    expect(stars).toBe(5)
    expect(bytes).toStrictEqual(wav())
  })

  it.each([
    ['0 channels', 22, 2, 0, 'declares 0 channels'],
    ['0 Hz', 24, 4, 0, '0 samples a second'],
    ['samples of 13 bits', 34, 2, 13, '13 bits'],
    ['a codec', 20, 2, 0x11, 'encoded in a way (17)'],
  ])('with %s has one star', async (_, at, bytes, value, words) => {
    const sent = wav()
    sent.writeUIntLE(value, at, bytes)
    const { stars, reason } = await look(sent, 'audio/wav')
    expect(stars).toBe(1)
    expect(reason).toContain(words)
  })

  it.each([[20], [45], [10_000], [32_043]])('cut after %i bytes is cut', async (bytes) => {
    const { stars, fault } = await look(wav().subarray(0, bytes), 'audio/wav')
    expect(stars).toBe(1)
    expect(['truncated', 'unreadable']).toContain(fault?.kind)
  })

  it.each([
    ['silence', { level: 0.001 }, 'silent'],
    ['half a second', { seconds: 0.5 }, 'too short: 0.5 s'],
  ])('of %s has two stars', async (_, of, words) => {
    const { stars, reason } = await look(wav(of), 'audio/wav')
    expect(stars).toBe(2)
    expect(reason).toContain(words)
  })
})

describe('MP3', () => {
  it('is copied frame by frame, without its tags', async () => {
    const sound = mp3()
    const { stars, media, bytes } = await look(
      Buffer.concat([id3(2_000), sound, Buffer.from('TAGevil'.padEnd(128))]),
      'audio/mpeg',
    )
    expect(stars).toBe(5)
    expect(media?.durationSeconds).toBeCloseTo(2.61, 2)
    expect(bytes).toStrictEqual(sound)
  })

  it('with 10 MB of tag is its sound', async () => {
    const { stars, bytes } = await look(Buffer.concat([id3(10_000_000), mp3()]), 'audio/mpeg')
    expect(stars).toBe(5)
    expect(bytes).toStrictEqual(mp3())
  })

  it('without frames has one star', async () => {
    const { stars, reason } = await look(Buffer.concat([id3(500), Buffer.alloc(5_000)]), 'audio/mpeg')
    expect(stars).toBe(1)
    expect(reason).toMatch(/no frame of sound|no type that is known/)
  })

  it('cut in a frame is cut', async () => {
    const { stars, fault } = await look(mp3().subarray(0, -100), 'audio/mpeg')
    expect({ stars, kind: fault?.kind }).toStrictEqual({ stars: 1, kind: 'truncated' })
  })

  it('cut between frames is cut, where the first one announces more', async () => {
    const announces = { bytes: 417 * 101, frames: 100 }
    const whole = mp3({ announces })
    expect((await look(whole, 'audio/mpeg')).stars).toBe(5)
    const { stars, reason } = await look(whole.subarray(0, 417 * 60), 'audio/mpeg')
    expect(stars).toBe(1)
    expect(reason).toContain('announces 42117 bytes, and 25020 are there')
  })

  it('under a second has two stars', async () => {
    expect((await look(mp3({ frames: 30 }), 'audio/mpeg')).stars).toBe(2)
  })
})

describe('films', () => {
  it.each([
    ['mp4', 'video/mp4', true],
    ['mp4', 'video/mp4', false],
    ['mov', 'video/quicktime', true],
  ] as const)('%s: rotation and length stay, names go', async (container, type, indexInFront) => {
    const sent = await film({ container, rotation: 90, indexInFront, tags: { title: 'Somebody’s garden' } })
    expect(sent.includes('Somebody')).toBe(true)
    const { stars, media, copy, bytes } = await look(sent, type)
    expect(stars).toBe(5)
    expect(media).toMatchObject({ width: 360, height: 640, hasPicture: true, hasSound: true })
    expect(media?.durationSeconds).toBeCloseTo(2, 1)
    expect(copy).toMatchObject({ width: 360, height: 640, contentType: type })
    expect(bytes.includes('Somebody')).toBe(false)
    const again = await look(bytes, type)
    expect({ ...again.media, durationSeconds: again.media?.durationSeconds.toFixed(2) }).toStrictEqual({
      ...{ ...media, durationSeconds: media?.durationSeconds.toFixed(2) },
    })
  })

  it('a mov loses the place where it was taken', async () => {
    const place = box('udta', box('\xa9xyz', Buffer.from('\0\x12\x15\xc7+48.8584+002.2945/', 'latin1')))
    const sent = withBox(await film({ container: 'mov', indexInFront: false }), ['moov'], place)
    const { stars, bytes } = await look(sent, 'video/quicktime')
    expect(stars).toBe(5)
    expect(bytes.includes('+48.8584')).toBe(false)
  })

  it('an mp4 of sound alone is an m4a where it was declared as one', async () => {
    const { stars, detectedType, copy } = await look(await film({ picture: false }), 'audio/mp4')
    expect({ stars, detectedType, width: copy?.width }).toStrictEqual({
      stars: 5,
      detectedType: 'audio/mp4',
      width: null,
    })
  })

  it('a film declared as audio/mp4 is a film', async () => {
    expect(await look(await film(), 'audio/mp4')).toMatchObject({ stars: 1, fault: { kind: 'type_differs' } })
  })

  it('a video without picture has two stars', async () => {
    const { stars, reason } = await look(await film({ picture: false }), 'video/mp4')
    expect({ stars, reason }).toStrictEqual({ stars: 2, reason: 'The video has no picture.' })
  })

  it('a video under a second has two stars', async () => {
    expect((await look(await film({ seconds: 0.5 }), 'video/mp4')).stars).toBe(2)
  })

  it('without an index nothing in it can be found', async () => {
    const whole = await film()
    const at = placeOf(whole, 'moov')
    const without = Buffer.concat([whole.subarray(0, at), whole.subarray(at + whole.readUInt32BE(at))])
    const { stars, reason } = await look(without, 'video/mp4')
    expect(stars).toBe(1)
    expect(reason).toContain('no index')
  })

  it.each([1, 3, 5, 7, 9])('with its index in front and %i tenths of its bytes is cut', async (tenths) => {
    const whole = await film()
    const { stars, fault } = await look(whole.subarray(0, Math.floor((whole.length * tenths) / 10)), 'video/mp4')
    expect({ stars, kind: fault?.kind }).toStrictEqual({ stars: 1, kind: 'truncated' })
  })

  it.each([0, 1])('cut, with a length of samples that was put right (%i), is cut', async (way) => {
    const whole = await film()
    const cut = whole.subarray(0, Math.floor(whole.length * 0.7))
    const at = placeOf(cut, 'mdat')
    const { stars, reason } = await look(withNumber(cut, at, way === 0 ? 0 : cut.length - at), 'video/mp4')
    expect(stars).toBe(1)
    expect(reason).toContain('its last sample should end at byte')
  })

  it('with its index at the end is cut anywhere', async () => {
    const whole = await film({ indexInFront: false })
    const { stars, fault } = await look(whole.subarray(0, Math.floor(whole.length * 0.7)), 'video/mp4')
    expect(stars).toBe(1)
    expect(['truncated', 'unreadable']).toContain(fault?.kind)
  })

  it('a million samples need room in their table', async () => {
    const whole = await film()
    const { stars, reason } = await look(withNumber(whole, placeOf(whole, 'stsz') + 16, 1_000_000), 'video/mp4')
    expect(stars).toBe(1)
    expect(reason).toContain('declares 1000000 entries and has room for 20')
  })

  it('a length of 30 years is not believed', async () => {
    const whole = await film({ sound: false })
    const { stars, reason } = await look(withNumber(whole, placeOf(whole, 'stts') + 20, 0x7fff_ffff), 'video/mp4')
    expect(stars).toBe(1)
    expect(reason).toContain('at most 86400 s')
  })

  it('a header that says 10^9 seconds is not asked', async () => {
    const whole = await film()
    const header = placeOf(whole, 'mvhd')
    const isLong = whole[header + 8] === 1
    const scale = withNumber(whole, header + (isLong ? 28 : 20), 1)
    const { stars, media } = await look(withNumber(scale, header + (isLong ? 36 : 24), 1_000_000_000), 'video/mp4')
    expect(stars).toBe(5)
    expect(media?.durationSeconds).toBeLessThan(3)
  })

  it('an edit list does no harm', async () => {
    const entry = Buffer.alloc(20)
    entry.writeUInt32BE(1, 4)
    entry.writeUInt32BE(1_000, 8)
    entry.writeInt16BE(1, 16)
    const sent = withBox(await film({ indexInFront: false }), ['moov', 'trak'], box('edts', box('elst', entry)))
    expect((await look(sent, 'video/mp4')).stars).toBe(5)
  })

  it('an encrypted one cannot be judged', async () => {
    const sent = await film()
    sent.write('encv', sent.indexOf('vp09', placeOf(sent, 'stsd')), 'latin1')
    const { stars, reason } = await look(sent, 'video/mp4')
    expect({ stars, reason }).toStrictEqual({ stars: 1, reason: 'The file cannot be used: it is encrypted.' })
  })

  it('parts within parts that do not fit end the look', async () => {
    const whole = await film()
    const { stars, fault } = await look(withNumber(whole, placeOf(whole, 'stbl'), 0x00ff_ffff), 'video/mp4')
    expect({ stars, kind: fault?.kind }).toStrictEqual({ stars: 1, kind: 'unreadable' })
  })
})
