/**
 * Pictures: decoded wholly, measured, hashed, and encoded anew. One thread, no cache: what one file needs is all that the
 * process holds. Loaded in the inspector's child process alone.
 */
import { hash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import sharp, { type Metadata, type SharpOptions } from 'sharp'
import type { Source } from './file-bytes.ts'
import type { DeliveredCopy, FileType, ImageMeasures } from './inspection.ts'
import { HASH_SIDE, perceptualHash } from './perceptual-hash.ts'
import { thresholds } from './thresholds.ts'
import { Unusable, unreadable } from './unusable.ts'

sharp.concurrency(1)
sharp.cache(false)

/** Pixels of the long side on which a picture is measured. */
const MEASURED_SIDE = 512
const QUALITY = 92
const PREVIEW_SIDE = 1_024
const PREVIEW_QUALITY = 85
/** What is behind transparent places when a picture is measured: neither ink nor paper. */
const BACKGROUND = '#808080'

const options: SharpOptions = {
  ...{ limitInputPixels: thresholds.pixelsMax, failOn: 'error', sequentialRead: true, pages: 1 },
}

export interface InspectedImage {
  image: ImageMeasures
  copy: DeliveredCopy
}

/** Measures a picture and writes its copy. Throws Unusable. */
export async function inspectImage(
  source: Source,
  type: FileType,
  copyPath: string,
  previewPath: string | undefined,
): Promise<InspectedImage> {
  const header = await decoding(() => sharp(source, { ...options, limitInputPixels: false }).metadata())
  const pixels = header.width * header.height
  if (pixels > thresholds.pixelsMax) {
    throw new Unusable(
      'too_many_pixels',
      `it has ${header.width} by ${header.height} pixels, and at most ${thresholds.pixelsMax} are taken`,
    )
  }
  const measured = await decoding(() => measure(source))
  const { data, info } = await decoding(() => copyOf(source, type, header).toBuffer({ resolveWithObject: true }))
  const { width, height } = info
  if (previewPath !== undefined) await writeFile(previewPath, await decoding(() => preview(data)))
  await writeFile(copyPath, data)
  const sha256 = hash('sha256', data)
  return {
    image: { width, height, ...measured },
    copy: { sizeBytes: data.length, sha256, contentType: type, width, height, durationSeconds: null },
  }
}

/** Runs a step of sharp’s, whose every failure lies in the picture: files are read and written elsewhere, or were just there. */
async function decoding<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    throw unreadable(`it cannot be decoded (${message.slice(0, 200)})`)
  }
}

async function measure(source: Source): Promise<Omit<ImageMeasures, 'width' | 'height'>> {
  const { data, info } = await sharp(source, options)
    .autoOrient()
    .resize(MEASURED_SIDE, MEASURED_SIDE, { fit: 'inside', withoutEnlargement: true })
    .flatten({ background: BACKGROUND })
    .greyscale()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  const { width, height, channels } = info
  const small = await sharp(data, { raw: { width, height, channels } })
    .resize(HASH_SIDE, HASH_SIDE, { fit: 'fill' })
    .extractChannel(0)
    .raw()
    .toBuffer()
  const grey =
    channels === 1 ? data : await sharp(data, { raw: { width, height, channels } }).extractChannel(0).raw().toBuffer()
  return { ...spreadOf(grey), variance: laplacianVariance(grey, width, height), perceptualHash: perceptualHash(small) }
}

function spreadOf(grey: Uint8Array): { mean: number; deviation: number } {
  let sum = 0
  let squares = 0
  for (const value of grey) {
    sum += value
    squares += value * value
  }
  const mean = sum / grey.length
  return { mean, deviation: Math.sqrt(Math.max(0, squares / grey.length - mean * mean)) }
}

/** Variance of each inner pixel’s difference from its four neighbours. A picture without inner pixels has none. */
function laplacianVariance(grey: Uint8Array, width: number, height: number): number {
  let sum = 0
  let squares = 0
  const count = Math.max(0, width - 2) * Math.max(0, height - 2)
  if (count === 0) return 0
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * width + 1; i < (y + 1) * width - 1; i++) {
      const value = grey[i - 1]! + grey[i + 1]! + grey[i - width]! + grey[i + width]! - 4 * grey[i]!
      sum += value
      squares += value * value
    }
  }
  return squares / count - (sum / count) ** 2
}

/**
 * Turned as EXIF says, encoded anew, without any metadata but the colour profile. CMYK becomes sRGB, whose profile is
 * the default; 16 bits of a PNG stay.
 */
function copyOf(source: Source, type: FileType, header: Metadata) {
  const image = sharp(source, options).autoOrient()
  const kept = header.space === 'cmyk' || !header.hasProfile ? image : image.keepIccProfile()
  if (type === 'image/png') {
    return (header.depth === 'ushort' ? kept.toColourspace('rgb16') : kept).png({ palette: false })
  }
  return type === 'image/jpeg' ? kept.jpeg({ quality: QUALITY }) : kept.webp({ quality: QUALITY })
}

/** A small picture for a model, made of the copy, so that it has no metadata either. */
const preview = (copy: Buffer): Promise<Buffer> =>
  sharp(copy, options)
    .resize(PREVIEW_SIDE, PREVIEW_SIDE, { fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#ffffff' })
    .jpeg({ quality: PREVIEW_QUALITY })
    .toBuffer()
