/** Draws pictures for trying things out: discs and bars on a slope of tones, under a grid, each seed another one. */
import { writeFile } from 'node:fs/promises'
import sharp from 'sharp'
import type { DrawingRequest } from './inspection.ts'

/** The smallest that an inspection takes nothing off for but once: thousands are drawn for one job. */
const WIDTH = 320
const HEIGHT = 240
const SHAPES = 10
const QUALITY = 85
/** Of PNG, from 0 to 9: thousands are drawn, and each is encoded anew for its buyer. */
const COMPRESSION = 1
/** Pixels between the lines of the grid, whose edges make every drawing a sharp picture; and how dark they are. */
const GRID = 16
const INK = 40

/** Writes a picture of 320 by 240 pixels. */
export async function draw({ seed, type, path }: DrawingRequest): Promise<void> {
  const image = sharp(pixelsOf(seed), { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
  const encoded =
    type === 'image/png'
      ? image.png({ compressionLevel: COMPRESSION })
      : type === 'image/webp'
        ? image.webp({ quality: QUALITY })
        : image.jpeg({ quality: QUALITY })
  await writeFile(path, await encoded.toBuffer())
}

function pixelsOf(seed: number): Buffer {
  const random = numbersFrom(seed)
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 3)
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) paint(pixels, x, y, 60 + (130 * (x + y)) / (WIDTH + HEIGHT))
  }
  for (let shape = 0; shape < SHAPES; shape++) addShape(pixels, random)
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) if (x % GRID === 0 || y % GRID === 0) paint(pixels, x, y, INK)
  }
  return pixels
}

function paint(pixels: Buffer, x: number, y: number, red: number, green = red, blue = red): void {
  const at = (y * WIDTH + x) * 3
  pixels[at] = red
  pixels[at + 1] = green
  pixels[at + 2] = blue
}

/** Row by row, from its left edge to its right one. */
function addShape(pixels: Buffer, random: () => number): void {
  const [middle, centre] = [random() * WIDTH, random() * HEIGHT]
  const radius = (0.05 + random() * 0.2) * WIDTH
  const isBar = random() < 0.5
  const [red, green, blue] = [random() * 255, random() * 255, random() * 255]
  const high = isBar ? radius * 1.5 : radius
  for (let y = Math.max(0, Math.ceil(centre - high)); y < Math.min(HEIGHT, centre + high); y++) {
    const half = isBar ? radius / 4 : Math.sqrt(radius ** 2 - (y - centre) ** 2)
    const right = Math.min(WIDTH, middle + half)
    for (let x = Math.max(0, Math.ceil(middle - half)); x < right; x++) paint(pixels, x, y, red, green, blue)
  }
}

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
