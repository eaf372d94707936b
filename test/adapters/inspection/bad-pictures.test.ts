/** Pictures that lie, are broken, or carry what nobody asked for: real bytes, through one inspector. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, crc32, deflateRawSync } from 'node:zlib'
import sharp from 'sharp'
import { afterAll, describe, expect, it } from 'vitest'
import { createInspector } from '../../../src/adapters/inspection/inspector.ts'
import { distanceOf } from '../../../src/adapters/inspection/perceptual-hash.ts'
import { starsOf } from '../../../src/adapters/inspection/stars.ts'
import { format } from '../../../src/events/firsthand/vocabulary.ts'
import { black, flat, picture, withChunks, withSegment, workFolder } from './files.ts'

const folder = workFolder()
const inspector = createInspector({ directory: folder.path })
const ALL = format.options
let copies = 0

afterAll(async () => {
  await inspector.close()
  folder.remove()
})

async function look(bytes: Uint8Array, declaredType: string, acceptedTypes = ALL) {
  const copyPath = join(folder.path, `copy-${copies++}`)
  const inspection = await inspector.inspect({ path: folder.put(bytes), declaredType, acceptedTypes, copyPath })
  expect(existsSync(copyPath)).toBe(inspection.fault === null)
  return {
    ...inspection,
    ...starsOf(inspection, false),
    bytes: inspection.fault ? Buffer.alloc(0) : readFileSync(copyPath),
  }
}

const png = await picture(1).png().toBuffer()
const jpeg = await picture(1).jpeg({ quality: 90 }).toBuffer()
const gif = await flat(40, 40).gif().toBuffer()
const script = Buffer.from('<script>alert(document.domain)</script>')

describe('bytes that are no picture', () => {
  it.each([
    ['nothing', Buffer.alloc(0), 'it is empty'],
    ['one byte', Buffer.from([0xff]), 'of no type that is known'],
    ['HTML', Buffer.from(`<!doctype html><html>${script}</html>`), 'of no type that is known'],
    [
      'SVG',
      Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
      'image/png',
    ],
    ['a GIF', gif, 'image/gif'],
    ['a ZIP', Buffer.from('UEsDBBQAAAAAAAAAIQAAAAAAAAAAAAAAAAABAAAAYQ==', 'base64'), 'application/zip'],
    ['a PDF', Buffer.from('%PDF-1.7\n1 0 obj\n<</OpenAction 2 0 R>>\nendobj\n'), 'application/pdf'],
    ['a program', Buffer.concat([Buffer.from('MZ'), Buffer.alloc(200)]), 'application/x-msdownload'],
  ])('%s declared as PNG has one star', async (_, bytes, words) => {
    const { stars, reason, detectedType, copy } = await look(bytes, 'image/png')
    expect({ stars, detectedType, copy }).toStrictEqual({ stars: 1, detectedType: null, copy: null })
    expect(reason).toContain(words)
  })

  it('a PNG declared as JPEG is not what it was declared as', async () => {
    expect(await look(png, 'image/jpeg')).toMatchObject({ stars: 1, fault: { kind: 'type_differs' } })
  })

  it('a PNG where the job takes JPEG is not taken', async () => {
    const { stars, reason } = await look(png, 'image/png', ['image/jpeg'])
    expect(stars).toBe(1)
    expect(reason).toContain('the job takes image/jpeg')
  })
})

describe('pictures with more in them', () => {
  it.each([
    ['a ZIP', Buffer.from('PK\u0003\u0004hidden')],
    ['a script', script],
  ])('a PNG with %s behind its end passes, and the copy has lost it', async (_, more) => {
    const { stars, bytes } = await look(Buffer.concat([png, more]), 'image/png')
    expect(stars).toBe(5)
    expect(bytes.includes(more)).toBe(false)
    expect(bytes.subarray(-8, -4).toString()).toBe('IEND')
  })

  it('a JPEG whose comment is HTML passes, and the copy has lost it', async () => {
    const { stars, bytes } = await look(withSegment(jpeg, 0xfe, script), 'image/jpeg')
    expect(stars).toBe(5)
    expect(bytes.includes(script)).toBe(false)
  })

  it('a text that unpacks to a GiB is not unpacked', async () => {
    const block = deflateRawSync(Buffer.alloc(16_777_216), { finishFlush: constants.Z_FULL_FLUSH })
    const [sum, length] = [Buffer.alloc(4), 64 * 16_777_216]
    sum.writeUInt32BE((((length % 65_521) << 16) | 1) >>> 0)
    const packed = Buffer.concat([Buffer.from([0x78, 0x9c]), ...Array(64).fill(block), Buffer.from([3, 0]), sum])
    const data = Buffer.concat([Buffer.from('Comment\0\0', 'latin1'), packed])
    const { bytes, fault } = await look(withChunks(png, [{ type: 'zTXt', data }]), 'image/png')
    expect(bytes.includes('zTXt')).toBe(false)
    if (fault) expect(fault.kind).toBe('unreadable')
  })

  it('a colour profile stays, and nothing else does', async () => {
    const sent = await picture(1).withIccProfile('p3').jpeg().toBuffer()
    const { bytes } = await look(withSegment(sent, 0xfe, script), 'image/jpeg')
    const { icc, exif, xmp, comments } = await sharp(bytes).metadata()
    expect(icc?.equals((await sharp(sent).metadata()).icc!)).toBe(true)
    expect({ exif, xmp, comments }).toStrictEqual({ exif: undefined, xmp: undefined, comments: undefined })
  })
})

describe('sizes that lie', () => {
  it('400 million pixels are refused from the header', async () => {
    const huge = black(20_000, 20_000)
    expect(await sharp(huge, { limitInputPixels: false }).metadata()).toMatchObject({ width: 20_000, format: 'png' })
    expect(huge.length).toBeLessThan(2_000_000)
    const { stars, reason, fault } = await look(huge, 'image/png')
    expect({ stars, kind: fault?.kind }).toStrictEqual({ stars: 1, kind: 'too_many_pixels' })
    expect(reason).toContain('20000 by 20000 pixels, and at most 50000000')
  })

  it('a header of 1 by 1 before a whole picture is no picture', async () => {
    const lying = Buffer.from(png)
    lying.writeUInt32BE(1, 16)
    lying.writeUInt32BE(1, 20)
    lying.writeUInt32BE(crc32(lying.subarray(12, 29)), 29)
    expect((await look(lying, 'image/png')).stars).toBe(1)
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9])('a JPEG of which %i tenths are there is cut', async (tenths) => {
    const { stars, fault } = await look(jpeg.subarray(0, Math.floor((jpeg.length * tenths) / 10)), 'image/jpeg')
    expect({ stars, kind: fault?.kind }).toStrictEqual({ stars: 1, kind: 'unreadable' })
  })
})

describe('unusual pictures', () => {
  it('CMYK becomes sRGB', async () => {
    const { stars, bytes } = await look(await picture(1).toColourspace('cmyk').jpeg().toBuffer(), 'image/jpeg')
    expect(stars).toBe(5)
    expect((await sharp(bytes).metadata()).space).toBe('srgb')
  })

  it('16 bits of a PNG stay', async () => {
    const { stars, bytes } = await look(await picture(1).toColourspace('rgb16').png().toBuffer(), 'image/png')
    expect(stars).toBe(5)
    expect((await sharp(bytes).metadata()).depth).toBe('ushort')
  })

  it('an animated WebP counts as its first picture', async () => {
    const frames = await Promise.all([1, 2].map((seed) => picture(seed).png().toBuffer()))
    const animated = await sharp(frames, { join: { animated: true } })
      .webp()
      .toBuffer()
    expect((await sharp(animated).metadata()).pages).toBe(2)
    const { stars, bytes, copy } = await look(animated, 'image/webp')
    expect({ stars, height: copy?.height }).toStrictEqual({ stars: 5, height: 600 })
    expect((await sharp(bytes).metadata()).pages ?? 1).toBe(1)
  })

  it('an animated PNG is a PNG', async () => {
    const control = Buffer.alloc(8)
    control.writeUInt32BE(2)
    const { stars, bytes } = await look(withChunks(png, [{ type: 'acTL', data: control }]), 'image/png')
    expect(stars).toBe(5)
    expect(bytes.includes('acTL')).toBe(false)
  })

  it('a picture with transparency is measured on what is to be seen', async () => {
    const clear = await picture(1).ensureAlpha(0).png().toBuffer()
    const { stars, reason } = await look(clear, 'image/png')
    expect(stars).toBe(1)
    expect(reason).toContain('blank')
  })
})

describe('EXIF', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'of orientation %i turns the copy, which says nothing of it',
    async (orientation) => {
      const { image, copy, bytes } = await look(
        await picture(1).withMetadata({ orientation }).jpeg().toBuffer(),
        'image/jpeg',
      )
      const [width, height] = orientation > 4 ? [600, 800] : [800, 600]
      expect(image).toMatchObject({ width, height })
      expect(copy).toMatchObject({ width, height })
      expect((await sharp(bytes).metadata()).orientation).toBeUndefined()
    },
  )

  it('of the same picture upright and turned hashes alike', async () => {
    const upright = await look(jpeg, 'image/jpeg')
    const turned = await sharp(jpeg).rotate(90).withMetadata({ orientation: 8 }).jpeg().toBuffer()
    const { image } = await look(turned, 'image/jpeg')
    expect(distanceOf(image!.perceptualHash, upright.image!.perceptualHash)).toBeLessThanOrEqual(3)
  })

  it.each([
    ['a place', { IFD0: { Artist: 'Somebody' }, IFD3: { GPSLatitude: '48/1 51/1 2979/100', GPSLatitudeRef: 'N' } }],
    ['60 KB', { IFD0: { ImageDescription: 'Somebody '.repeat(6_666) } }],
  ])('with %s stays away', async (_, exif) => {
    const sent = await picture(1).withExif(exif).jpeg().toBuffer()
    expect((await sharp(sent).metadata()).exif).toBeDefined()
    const { stars, bytes } = await look(sent, 'image/jpeg')
    expect(stars).toBe(5)
    expect((await sharp(bytes).metadata()).exif).toBeUndefined()
    expect(bytes.includes('Somebody')).toBe(false)
  })

  it('that is broken does no harm', async () => {
    const broken = Buffer.concat([Buffer.from('Exif\0\0MM\0*\xff\xff\xff\xff', 'latin1'), Buffer.alloc(50, 0xff)])
    expect((await look(withSegment(jpeg, 0xe1, broken), 'image/jpeg')).stars).toBe(5)
  })
})
