/**
 * Pictures: one is composed of a prompt, its words each a shape, their colours those that are named; another one is worked on. Sizes
 * and formats are those that were asked for.
 */
import sharp, { type Sharp } from 'sharp'
import { inputOf, inputsOf, numberAt, numbersOf, outputPath, type Studio, textAt, wordsOf } from './studio.ts'

/** Hues of words, in degrees. */
const HUES: Readonly<Record<string, number>> = {
  ...{ red: 0, orange: 28, gold: 45, yellow: 55, green: 120, forest: 130, teal: 175, cyan: 185, ocean: 200 },
  ...{ sky: 205, blue: 220, night: 235, indigo: 250, violet: 270, purple: 285, magenta: 305, pink: 330, rose: 345 },
}
/** More words draw nothing more. */
const WORDS_MAX = 60
const SHAPES = { plain: 2, detailed: 4 }
const WEBP_QUALITY = 90
const JPEG_QUALITY = 92

/** An SVG of these words; the same for the same words, size and seed. */
export function drawing(
  text: string,
  width: number,
  height: number,
  { seed = '', perWord = SHAPES.plain } = {},
): Buffer {
  const next = numbersOf(`${text} ${seed}`)
  const words = wordsOf(text).slice(0, WORDS_MAX)
  const named = words.flatMap((word) => HUES[word] ?? [])
  const hue = named[0] ?? Math.floor(next() * 360)
  const shapes = words.flatMap((word) => {
    const own = numbersOf(`${word} ${seed}`)
    return Array.from({ length: perWord }, () => {
      const tint = Math.floor((HUES[word] ?? hue + (next() - 0.5) * 120 + 360) % 360)
      const fill = `hsl(${tint} ${40 + Math.floor(own() * 50)}% ${30 + Math.floor(own() * 45)}%)`
      const [x, y] = [Math.floor(next() * width), Math.floor(next() * height)]
      const r = Math.floor((0.04 + own() * 0.2) * Math.min(width, height))
      const opacity = (0.35 + own() * 0.45).toFixed(2)
      if (own() < 0.5) return `<circle cx="${x}" cy="${y}" r="${r}" fill="${fill}" opacity="${opacity}"/>`
      const turn = Math.floor(own() * 360)
      const at = `x="${x - r}" y="${y - r}" width="${2 * r}" height="${Math.ceil(r * (0.4 + own()))}"`
      return `<rect ${at} rx="${Math.floor(r * own())}" fill="${fill}" opacity="${opacity}" transform="rotate(${turn} ${x} ${y})"/>`
    })
  })
  const stops = [`hsl(${hue} 60% 22%)`, `hsl(${(named[1] ?? hue + 40) % 360} 65% 62%)`]
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs><linearGradient id="g" x1="0" y1="0" ` +
      `x2="${next().toFixed(2)}" y2="1"><stop offset="0" stop-color="${stops[0]}"/><stop offset="1" stop-color="${stops[1]}"/>` +
      `</linearGradient></defs><rect width="${width}" height="${height}" fill="url(#g)"/>${shapes.join('')}</svg>`,
  )
}

async function write(picture: Sharp, studio: Studio): Promise<void> {
  const path = outputPath(studio)
  const format = textAt(studio, 'outputFormat')
  if (format === 'png') await picture.png().toFile(path)
  else if (format === 'jpg') await picture.flatten().jpeg({ quality: JPEG_QUALITY }).toFile(path)
  else await picture.webp({ quality: WEBP_QUALITY, effort: 2 }).toFile(path)
}

/** Reference pictures along the lower edge, each a square. */
async function withReferences(picture: Sharp, studio: Studio, width: number, height: number): Promise<Sharp> {
  const references = inputsOf(studio, 'referenceImages')
  if (references.length === 0) return picture
  const side = Math.max(8, Math.floor(Math.min(width / (references.length + 1), height / 4)))
  const overlays = await Promise.all(
    references.map(async ({ path }, index) => ({
      input: await sharp(path).rotate().resize(side, side, { fit: 'cover' }).png().toBuffer(),
      ...{ left: index * side, top: height - side },
    })),
  )
  return picture.composite(overlays)
}

export async function renderImage(studio: Studio): Promise<void> {
  const [width, height] = [numberAt(studio, 'width'), numberAt(studio, 'height')]
  const perWord = studio.order.input.highDetail === true ? SHAPES.detailed : SHAPES.plain
  const drawn = await withReferences(
    sharp(drawing(textAt(studio, 'prompt'), width, height, { perWord })),
    studio,
    width,
    height,
  )
  const [outputWidth, outputHeight] = [numberAt(studio, 'outputWidth'), numberAt(studio, 'outputHeight')]
  if (outputWidth === width && outputHeight === height) return write(drawn, studio)
  const whole = await drawn.raw().toBuffer({ resolveWithObject: true })
  const { width: w, height: h, channels } = whole.info
  const upscaled = sharp(whole.data, { raw: { width: w, height: h, channels } }).resize(outputWidth, outputHeight)
  return write(upscaled, studio)
}

export async function renderEdit(studio: Studio): Promise<void> {
  const [width, height] = [numberAt(studio, 'width'), numberAt(studio, 'height')]
  const prompt = textAt(studio, 'prompt')
  const words = new Set(wordsOf(prompt))
  const next = numbersOf(prompt)
  const has = (...names: string[]) => names.some((name) => words.has(name))
  const source = inputOf(studio, 'sourceImage')?.path ?? ''
  let picture = sharp(source).rotate().resize(width, height, { fit: 'cover', position: 'centre' })
  const named = [...words].find((word) => HUES[word] !== undefined)
  if (has('grayscale', 'greyscale', 'monochrome', 'black')) picture = picture.grayscale()
  else picture = picture.modulate({ hue: Math.floor(next() * 60) - 30, saturation: 0.9 + next() * 0.5 })
  if (has('dark', 'darker', 'night')) picture = picture.modulate({ brightness: 0.65 })
  if (has('bright', 'brighter', 'sunny')) picture = picture.modulate({ brightness: 1.3 })
  if (has('blur', 'blurred', 'soft')) picture = picture.blur(3)
  if (has('sharp', 'sharper', 'crisp') || studio.order.input.highDetail === true) picture = picture.sharpen()
  if (has('invert', 'inverted', 'negative')) picture = picture.negate({ alpha: false })
  if (has('flip', 'flipped', 'mirror', 'mirrored')) picture = picture.flop()
  if (named !== undefined) picture = picture.tint(`hsl(${HUES[named]}, 70%, 55%)`)
  return write(await withReferences(picture, studio, width, height), studio)
}
