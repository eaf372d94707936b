/** Sounds: speech by eSpeak NG, music that follows beat, key and time, and noises of a prompt. Lengths and rates are those asked for. */
import { readFile, writeFile } from 'node:fs/promises'
import { headerOf } from '../../inspection/wav.ts'
import { mediaTypes } from '../media-types.ts'
import { type InputFile, RenderFailed } from '../order.ts'
import { FILES_ONLY } from '../probe.ts'
import {
  inputOf,
  numberAt,
  numbersOf,
  outputPath,
  QUIET,
  REPEATABLE,
  run,
  type Studio,
  scratch,
  textAt,
  wordsOf,
} from './studio.ts'

const RATE = 48_000
const SPOKEN_RATE = 16_000
/** Sixteen bits. */
const SAMPLE_BYTES = 2
const FULL = 32_767
/** Of a recording whose voice is followed. */
const HEARD_S = 30

/** Writes one channel of samples, from -1 to 1, as a WAV. */
async function writeSamples(path: string, samples: Float32Array, sampleRate = RATE): Promise<void> {
  const dataBytes = samples.length * SAMPLE_BYTES
  const head = { channels: 1, sampleRate, bitsPerSample: 8 * SAMPLE_BYTES, isFloat: false, frameBytes: SAMPLE_BYTES }
  const data = new Int16Array(samples.length)
  for (let at = 0; at < samples.length; at++) data[at] = Math.max(-1, Math.min(1, samples[at] ?? 0)) * FULL
  await writeFile(path, [headerOf({ ...head, dataBytes }), Buffer.from(data.buffer)])
}

/** Opus at a constant rate, so that what was asked for is what the file has. */
async function encode(studio: Studio, wav: string): Promise<void> {
  const rate = textAt(studio, 'quality') || '128k'
  const input = [...QUIET, ...FILES_ONLY, '-f', 'wav', '-i', wav]
  const codec = ['-c:a', 'libopus', '-b:a', rate, '-vbr', 'off', '-ac', '2', '-ar', String(RATE)]
  await run(studio, 'ffmpeg', [...input, ...codec, ...REPEATABLE, '-f', 'ogg', outputPath(studio)])
}

/** A recording as samples of one channel. */
export async function hear(studio: Studio, { path, mimeType }: InputFile, secondsMax?: number): Promise<Int16Array> {
  const wav = scratch(studio, 'heard.pcm')
  const demuxer = mediaTypes[mimeType]?.demuxer ?? 'wav'
  await run(studio, 'ffmpeg', [
    ...[...QUIET, ...FILES_ONLY, '-f', demuxer, '-i', path, '-vn', '-map', '0:a:0'],
    ...(secondsMax === undefined ? [] : ['-t', String(secondsMax)]),
    ...['-ac', '1', '-ar', String(SPOKEN_RATE), '-f', 's16le', wav],
  ])
  const bytes = await readFile(wav)
  return new Int16Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / SAMPLE_BYTES))
}

/** The pitch of a voice in Hz, by autocorrelation of its loudest part. */
function pitchOf(samples: Int16Array): number {
  const window = 4_096
  let [loudest, energy] = [0, -1]
  for (let at = 0; at + 2 * window < samples.length; at += window) {
    let sum = 0
    for (let i = at; i < at + window; i += 4) sum += (samples[i] ?? 0) ** 2
    if (sum > energy) [loudest, energy] = [at, sum]
  }
  let [best, found] = [Number.NEGATIVE_INFINITY, SPOKEN_RATE / 150]
  for (let lag = Math.floor(SPOKEN_RATE / 400); lag <= SPOKEN_RATE / 70; lag++) {
    let sum = 0
    for (let i = loudest; i < loudest + window; i += 2) sum += (samples[i] ?? 0) * (samples[i + lag] ?? 0)
    if (sum > best) [best, found] = [sum, lag]
  }
  return SPOKEN_RATE / found
}

/** Of eSpeak, from 0 to 99. */
const PITCHES: Readonly<Record<string, number>> = {
  ...{ 'very low pitch': 10, 'low pitch': 28, 'moderate pitch': 50, 'high pitch': 72, 'very high pitch': 92 },
  ...{ child: 85, teenager: 65, elderly: 35 },
}
const ACCENTS: Readonly<Record<string, string>> = {
  'american accent': 'en-us',
  'british accent': 'en-gb',
  'australian accent': 'en-gb',
  'canadian accent': 'en-us',
}

async function voiceOf(studio: Studio): Promise<string[]> {
  const tags = textAt(studio, 'voiceDescription')
    .toLowerCase()
    .split(',')
    .map((tag) => tag.trim())
  const reference = inputOf(studio, 'referenceAudio')
  const next = numbersOf(`${textAt(studio, 'voiceName')} ${numberAt(studio, 'seed', 1)}`)
  const tagged = tags.flatMap((tag) => PITCHES[tag] ?? [])[0]
  let pitch = tagged ?? 40 + Math.floor(next() * 20)
  if (reference) {
    const hertz = pitchOf(await hear(studio, reference, HEARD_S))
    pitch = Math.max(0, Math.min(99, Math.round((hertz - 70) / 2.5)))
  }
  const isFemale = tags.includes('female') || (!tags.includes('male') && next() < 0.5)
  const variant = tags.includes('whisper') ? 'whisper' : `${isFemale ? 'f' : 'm'}${1 + Math.floor(next() * 3)}`
  const accent = tags.flatMap((tag) => ACCENTS[tag] ?? [])[0] ?? 'en-us'
  const manner = wordsOf(textAt(studio, 'instructions'))
  const speed = manner.includes('slow') || manner.includes('slowly') ? 120 : manner.includes('fast') ? 220 : 165
  return ['-v', `${accent}+${variant}`, '-p', String(pitch), '-s', String(speed)]
}

/** Speaks the text into a WAV. */
async function speak(studio: Studio, path: string): Promise<void> {
  const { default: espeak } = await import('espeak-ng')
  const voice = await voiceOf(studio)
  const spoken = await espeak({ arguments: ['-w', 'speech.wav', ...voice, '--', textAt(studio, 'text')] })
  let bytes: Uint8Array
  try {
    bytes = spoken.FS.readFile('speech.wav')
  } catch (cause) {
    throw new RenderFailed('provider_failed', 'Nothing of the text can be spoken.', { cause })
  }
  await writeFile(path, bytes)
}

export async function renderSpeech(studio: Studio): Promise<void> {
  const wav = scratch(studio, 'speech.wav')
  await speak(studio, wav)
  if (textAt(studio, 'provider') !== 'gemini') return encode(studio, wav)
  const input = [...QUIET, ...FILES_ONLY, '-f', 'wav', '-i', wav]
  const codec = ['-ar', '24000', '-ac', '1', '-c:a', 'pcm_s16le', ...REPEATABLE, '-f', 'wav']
  await run(studio, 'ffmpeg', [...input, ...codec, outputPath(studio)])
}

const NOTES = ['C', 'C#', 'D', 'D#', 'E', 'F', 'F#', 'G', 'G#', 'A', 'A#', 'B']
const FLATS: Readonly<Record<string, string>> = { Db: 'C#', Eb: 'D#', Gb: 'F#', Ab: 'G#', Bb: 'A#', Cb: 'B', Fb: 'E' }
const SCALES = { major: [0, 2, 4, 5, 7, 9, 11], minor: [0, 2, 3, 5, 7, 8, 10] }
const CHORDS = [0, 4, 5, 3]
const A4 = { hertz: 440, key: 69 }
const hertzOf = (key: number): number => A4.hertz * 2 ** ((key - A4.key) / 12)

/** Adds a tone that fades. */
function addTone(samples: Float32Array, at: number, seconds: number, hertz: number, loudness: number): void {
  const [from, length] = [Math.floor(at * RATE), Math.floor(seconds * RATE)]
  const step = (2 * Math.PI * hertz) / RATE
  for (let i = 0; i < length && from + i < samples.length; i++) {
    const fade = Math.min(1, i / 480) * (1 - i / length) ** 1.5
    samples[from + i]! += loudness * fade * (Math.sin(step * i) + 0.3 * Math.sin(2 * step * i))
  }
}

function addBeat(samples: Float32Array, at: number, isFirst: boolean, next: () => number): void {
  const from = Math.floor(at * RATE)
  const length = Math.floor(RATE * 0.06)
  for (let i = 0; i < length && from + i < samples.length; i++) {
    const fade = (1 - i / length) ** 3
    samples[from + i]! += fade * (isFirst ? 0.4 * Math.sin((2 * Math.PI * 80 * i) / RATE) : 0.12 * (next() - 0.5))
  }
}

export async function renderMusic(studio: Studio): Promise<void> {
  const seconds = numberAt(studio, 'durationSeconds')
  const next = numbersOf(`${textAt(studio, 'tags')} ${textAt(studio, 'lyrics')} ${numberAt(studio, 'seed')}`)
  const [letter = 'C', mode = 'major'] = textAt(studio, 'keyScale').split(' ')
  const root = 48 + NOTES.indexOf(FLATS[letter] ?? letter)
  const scale = SCALES[mode === 'minor' ? 'minor' : 'major']
  const keyOf = (degree: number) => root + (scale[degree % 7] ?? 0) + 12 * Math.floor(degree / 7)
  const beat = 60 / numberAt(studio, 'bpm', 120)
  const perBar = Number(textAt(studio, 'timeSignature') || 4)
  const samples = new Float32Array(Math.round(seconds * RATE))
  for (let count = 0; count * beat < seconds; count++) {
    const at = count * beat
    const chord = CHORDS[Math.floor(count / perBar) % CHORDS.length] ?? 0
    const isFirst = count % perBar === 0
    addBeat(samples, at, isFirst, next)
    if (isFirst) {
      for (const third of [0, 2, 4]) addTone(samples, at, beat * perBar, hertzOf(keyOf(chord + third)), 0.1)
    }
    if (next() < 0.8) addTone(samples, at, beat * 0.9, hertzOf(keyOf(7 + chord + Math.floor(next() * 7))), 0.16)
  }
  const wav = scratch(studio, 'music.wav')
  await writeSamples(wav, samples)
  await encode(studio, wav)
}

/** Filtered noise and gliding tones, by the words of the prompt. */
export async function renderEffect(studio: Studio): Promise<void> {
  const seconds = numberAt(studio, 'durationSeconds')
  const prompt = textAt(studio, 'prompt')
  const next = numbersOf(prompt)
  const words = wordsOf(prompt)
  const [bright, swell] = [0.02 + next() * 0.5, 0.2 + next() * 3]
  const samples = new Float32Array(Math.round(seconds * RATE))
  let low = 0
  for (let i = 0; i < samples.length; i++) {
    low += bright * (next() * 2 - 1 - low)
    samples[i] = 0.5 * low * (0.6 + 0.4 * Math.sin((2 * Math.PI * swell * i) / RATE))
  }
  for (const word of words.slice(0, 12)) {
    const own = numbersOf(word)
    addTone(samples, own() * seconds * 0.8, 0.2 + own() * seconds * 0.4, 80 + own() * 1_600, 0.15)
  }
  const wav = scratch(studio, 'sound.wav')
  await writeSamples(wav, samples)
  await encode(studio, wav)
}
