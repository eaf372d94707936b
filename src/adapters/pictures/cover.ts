/** Covers: a picture that somebody sent, decoded wholly and made anew in one size and type. */
import sharp from 'sharp'

/** It is no picture that is taken. */
export class CoverRefused extends Error {
  override name = 'CoverRefused'
}

const TYPES = ['png', 'jpeg', 'webp']
const WIDTH = 1_280
const HEIGHT = 720
const QUALITY = 82
/** About 40 megapixels, whatever the file says. */
const PIXELS_MAX = 40_000_000

/** A WebP of 1280 × 720 pixels, the middle of the picture in the file at `path`. Throws CoverRefused. */
export async function makeCover(path: string): Promise<Uint8Array> {
  try {
    const picture = sharp(path, { limitInputPixels: PIXELS_MAX, failOn: 'error', pages: 1 })
    const { format } = await picture.metadata()
    if (!TYPES.includes(format)) throw new CoverRefused('A cover is a PNG, JPEG or WebP.')
    return await picture.autoOrient().resize(WIDTH, HEIGHT, { fit: 'cover' }).webp({ quality: QUALITY }).toBuffer()
  } catch (error) {
    if (error instanceof CoverRefused) throw error
    throw new CoverRefused('The cover cannot be decoded.', { cause: error })
  }
}
