/** Draws pictures for trying things out: discs and bars on a slope of tones, each seed another one. */
import { writeFile } from 'node:fs/promises'
import sharp from 'sharp'
import type { DrawingRequest } from './inspection.ts'

const WIDTH = 400
const HEIGHT = 300
const SHAPES = 10
const QUALITY = 85

/** Writes a picture of 400 by 300 pixels. */
export async function draw({ seed, type, path }: DrawingRequest): Promise<void> {
  const random = numbersFrom(seed)
  const shapes = Array.from({ length: SHAPES }, () => ({
    ...{ x: random() * WIDTH, y: random() * HEIGHT, radius: (0.05 + random() * 0.2) * WIDTH, isBar: random() < 0.5 },
    tones: [random() * 255, random() * 255, random() * 255] as const,
  }))
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 3)
  for (let i = 0; i < WIDTH * HEIGHT; i++) {
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)]
    const slope = 60 + (130 * (x + y)) / (WIDTH + HEIGHT)
    const tones = shapes.findLast((shape) => covers(shape, x, y))?.tones ?? [slope, slope, slope]
    pixels.set(tones, i * 3)
  }
  const image = sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
  const encoded =
    type === 'image/png'
      ? image.png()
      : type === 'image/webp'
        ? image.webp({ quality: QUALITY })
        : image.jpeg({ quality: QUALITY })
  await writeFile(path, await encoded.toBuffer())
}

const covers = (shape: { x: number; y: number; radius: number; isBar: boolean }, x: number, y: number): boolean =>
  shape.isBar
    ? Math.abs(x - shape.x) < shape.radius / 4 && Math.abs(y - shape.y) < shape.radius * 1.5
    : (x - shape.x) ** 2 + (y - shape.y) ** 2 < shape.radius ** 2

/** Numbers from 0 to 1 that follow from the seed (xorshift). */
function numbersFrom(seed: number): () => number {
  let state = Math.imul(seed, 2_654_435_761) >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
