/** Pictures for the demo, drawn anew in each run: no two are alike. */
import { randomInt } from 'node:crypto'
import sharp from 'sharp'

const WIDTH = 960
const HEIGHT = 720
const SHAPES = 160

const within = (limit: number): number => randomInt(0, limit)
const colour = (): string => `rgb(${within(256)},${within(256)},${within(256)})`

/** So blurred that no inspector takes it. */
const BLUR_SIGMA = 12

const drawing = (): Buffer => {
  const shapes = Array.from(
    { length: SHAPES },
    () =>
      `<rect x="${within(WIDTH)}" y="${within(HEIGHT)}" width="${20 + within(160)}" height="${20 + within(160)}" ` +
      `fill="${colour()}" transform="rotate(${within(90)} ${within(WIDTH)} ${within(HEIGHT)})"/>`,
  )
  const size = `width="${WIDTH}" height="${HEIGHT}"`
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" ${size}><rect ${size} fill="${colour()}"/>${shapes.join('')}</svg>`,
  )
}

/** Where it was taken stands in it, as phones write it. */
const PLACE = {
  IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1', GPSLongitudeRef: 'W', GPSLongitude: '0/1 7/1 0/1' },
}

export const sharpPicture = (): Promise<Buffer> => sharp(drawing()).jpeg({ quality: 90 }).withExif(PLACE).toBuffer()
export const blurredPicture = (): Promise<Buffer> => sharp(drawing()).blur(BLUR_SIGMA).jpeg({ quality: 90 }).toBuffer()

/** What an image says of itself: its format, its size, and whether it tells where it was taken. */
export async function lookAt(bytes: Uint8Array): Promise<{ format: string; size: string; hasExif: boolean }> {
  const { format, width, height, exif } = await sharp(bytes).metadata()
  return { format: String(format), size: `${width}x${height}`, hasExif: exif !== undefined }
}
