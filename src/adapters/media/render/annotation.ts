/** What is said about a recording: where somebody speaks, and, with a transcript, when each of its words is heard. */
import { writeFile } from 'node:fs/promises'
import { hear } from './sounds.ts'
import { inputOf, outputPath, type Studio, textAt } from './studio.ts'

const RATE = 16_000
const FRAME = 320
/** Below this part of the loudest frames it is silence; pauses that are shorter divide nothing. */
const QUIET_PART = 0.08
const PAUSE_FRAMES = 15
const SEGMENT_FRAMES = 5

interface Span {
  start: number
  end: number
}

const seconds = (frames: number): number => Math.round((frames * FRAME * 1_000) / RATE) / 1_000

function spansOf(samples: Int16Array): Span[] {
  const loudness: number[] = []
  for (let at = 0; at + FRAME <= samples.length; at += FRAME) {
    let sum = 0
    for (let i = at; i < at + FRAME; i++) sum += (samples[i] ?? 0) ** 2
    loudness.push(Math.sqrt(sum / FRAME))
  }
  const loudest = loudness.toSorted((a, b) => b - a)[Math.floor(loudness.length / 20)] ?? 0
  const floor = Math.max(30, loudest * QUIET_PART)
  const spans: Span[] = []
  for (const [frame, value] of loudness.entries()) {
    if (value < floor) continue
    const last = spans.at(-1)
    if (last && frame - last.end <= PAUSE_FRAMES) last.end = frame + 1
    else spans.push({ start: frame, end: frame + 1 })
  }
  return spans.filter(({ start, end }) => end - start >= SEGMENT_FRAMES)
}

/** Words share what is spoken by their length; a word lies within one span or passes over a pause. */
function timed(words: readonly string[], spans: readonly Span[]) {
  const spoken = spans.reduce((sum, { start, end }) => sum + end - start, 0)
  const letters = words.reduce((sum, word) => sum + word.length, 0)
  const placeOf = (share: number): number => {
    let left = share * spoken
    for (const { start, end } of spans) {
      if (left <= end - start) return start + left
      left -= end - start
    }
    return spans.at(-1)?.end ?? 0
  }
  let before = 0
  return words.map((word) => {
    const start = placeOf(before / letters)
    before += word.length
    return { word, start: seconds(start), end: seconds(placeOf(before / letters)) }
  })
}

export async function renderAnnotation(studio: Studio): Promise<void> {
  const source = inputOf(studio, 'sourceAudio')
  if (!source) throw new Error('there is no recording')
  const samples = await hear(studio, source)
  const spans = spansOf(samples)
  const words = textAt(studio, 'transcript').split(/\s+/).filter(Boolean)
  const annotation = {
    ...{ durationSeconds: Math.round((samples.length * 1_000) / RATE) / 1_000, language: textAt(studio, 'language') },
    segments: spans.map(({ start, end }) => ({ start: seconds(start), end: seconds(end) })),
    ...(words.length > 0 && { words: timed(words, spans) }),
  }
  await writeFile(outputPath(studio), `${JSON.stringify(annotation, null, 2)}\n`)
}
