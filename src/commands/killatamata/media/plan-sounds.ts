/** Speech, music, sounds, and what is said about a recording. */
import { Rejected } from '../rejection.ts'
import { type Given, type Json, noting, type Planner, sourceOf, textIn, unfit } from './plan.ts'

const QUALITY = '128k'
const MUSIC = { seconds: 60, bpm: 120, high: { seconds: 108, quality: '192k' } }
const EFFECT_S = 5
/** The longest recording, which one that is not here yet may be. */
const RECORDING_MAX_MS = 600_000
const VOICE = 'Kore'

/** What a voice may be described by. */
const VOICE_TAGS = new Set([
  ...['female', 'male', 'child', 'teenager', 'young adult', 'middle-aged', 'elderly'],
  ...['very low pitch', 'low pitch', 'moderate pitch', 'high pitch', 'very high pitch', 'whisper'],
  ...['american', 'british', 'australian', 'canadian', 'indian', 'chinese'].map((name) => `${name} accent`),
  ...['korean', 'japanese', 'portuguese', 'russian'].map((name) => `${name} accent`),
])

const OF_GEMINI = ['voiceName', 'instructions']
const OF_OMNIVOICE = ['voiceDescription', 'referenceTranscript', 'language', 'quality', 'seed']

const isGiven = (value: Json | undefined): boolean => value !== undefined && value !== null

function refuseForeign(given: Given, fields: readonly string[], provider: string): void {
  const found = fields.find((field) => isGiven(given[field]))
  if (found !== undefined) throw unfit(found, `${provider} has no ${found}.`)
}

const charactersIn = (text: string): number => [...text].length

export const planSpeech: Planner = (asked) =>
  textIn(asked.given, 'provider') === 'gemini' ? planGemini(asked) : planOmnivoice(asked)

const planGemini: Planner = ({ given, sources }) => {
  refuseForeign(given, OF_OMNIVOICE, 'gemini')
  if (sourceOf(sources, 'referenceAudio')) throw unfit('referenceAudio', 'gemini clones no voice.')
  if (textIn(given, 'mode') === 'voice_clone') throw unfit('mode', 'gemini clones no voice.')
  const text = textIn(given, 'text') ?? ''
  return {
    effective: {
      ...{ text, provider: 'gemini', mode: textIn(given, 'mode') ?? null, quality: null },
      ...{ voiceName: textIn(given, 'voiceName') ?? VOICE, instructions: textIn(given, 'instructions') ?? null },
    },
    adjustments: [],
    bill: { line: 'audio.speak/gemini', quantity: charactersIn(text), billedAt: 'completion' },
    outputNames: ['speech.wav'],
    usualS: 2,
  }
}

const planOmnivoice: Planner = ({ given, sources }) => {
  const { adjustments, orDefault } = noting()
  refuseForeign(given, OF_GEMINI, 'omnivoice')
  const reference = sourceOf(sources, 'referenceAudio')
  const mode = textIn(given, 'mode') ?? (reference ? 'voice_clone' : 'voice_design')
  if (mode === 'voice_clone' && !reference) throw unfit('referenceAudio', 'voice_clone needs reference audio.')
  if (mode === 'voice_design' && reference) {
    throw new Rejected('conflicting_inputs', 'voice_design takes no reference audio.', '/input/mode')
  }
  const voiceDescription = textIn(given, 'voiceDescription')
  const tags = voiceDescription?.split(',').map((tag) => tag.trim().toLowerCase()) ?? []
  const unknown = tags.find((tag) => !VOICE_TAGS.has(tag))
  if (unknown !== undefined) throw unfit('voiceDescription', `“${unknown.slice(0, 40)}” is none of the tags of voices.`)
  const text = textIn(given, 'text') ?? ''
  return {
    effective: {
      ...{ text, provider: 'omnivoice', mode, voiceDescription: voiceDescription ?? null, voiceName: null },
      ...{ quality: orDefault('quality', given.quality, QUALITY), seed: orDefault('seed', given.seed, 1) },
      ...{
        language: textIn(given, 'language') ?? 'en',
        referenceTranscript: textIn(given, 'referenceTranscript') ?? null,
      },
    },
    adjustments,
    bill: { line: 'audio.speak/omnivoice', quantity: charactersIn(text), billedAt: 'submit' },
    outputNames: ['speech.ogg'],
    usualS: 2,
  }
}

/** What speech of gemini costs in the end: started tenths of a second of what was said. */
export const spokenTenths = (durationMs: number): number => Math.ceil(durationMs / 100)

export const planMusic: Planner = ({ given }) => {
  const { adjustments, orDefault } = noting()
  const isHigh = textIn(given, 'qualityPreset') === 'high_quality'
  const seconds = isHigh ? MUSIC.high.seconds : MUSIC.seconds
  const quality = isHigh ? MUSIC.high.quality : QUALITY
  // The preset names its own values; a default of ours is told.
  const preset = <T extends Json>(field: string, value: T) =>
    isHigh && !isGiven(given[field]) ? value : orDefault(field, given[field], value)
  const durationSeconds = preset('durationSeconds', seconds)
  return {
    effective: {
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
      ...{ qualityPreset: isHigh ? 'high_quality' : 'default', durationSeconds, quality: preset('quality', quality) },
      ...{ bpm: orDefault('bpm', given.bpm, MUSIC.bpm), seed: orDefault('seed', given.seed, 1) },
      ...{ keyScale: orDefault('keyScale', given.keyScale, 'C major') },
      ...{ timeSignature: orDefault('timeSignature', given.timeSignature, '4') },
    },
    adjustments,
    bill: {
      line: 'ace.step.create',
      quantity: durationSeconds,
      factors: isHigh ? ['high_quality'] : [],
      billedAt: 'submit',
    },
    outputNames: ['music.ogg'],
    usualS: 5,
  }
}

export const planEffect: Planner = ({ given }) => {
  const { adjustments, orDefault } = noting()
  const durationSeconds = orDefault('durationSeconds', given.durationSeconds, EFFECT_S)
  return {
    effective: {
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
      ...{ durationSeconds, quality: orDefault('quality', given.quality, QUALITY) },
    },
    adjustments,
    bill: { line: 'moss.sound.effect', quantity: durationSeconds, billedAt: 'submit' },
    outputNames: ['sound.ogg'],
    usualS: 2,
  }
}

export const planAnnotation: Planner = ({ given, sources }) => {
  const { adjustments } = noting()
  const durationMs = sourceOf(sources, 'sourceAudio')?.measures?.durationMs
  const transcript = textIn(given, 'transcript') ?? null
  return {
    effective: {
      ...{ transcript, language: textIn(given, 'language') ?? 'en', device: textIn(given, 'device') ?? 'auto' },
      transcriptionModel: textIn(given, 'transcriptionModel') ?? (transcript === null ? 'large-v3' : 'distil-large-v3'),
      durationSeconds: durationMs === undefined ? null : durationMs / 1_000,
    },
    adjustments,
    bill: {
      line: 'audio.annotation.reference',
      quantity: durationMs ?? RECORDING_MAX_MS,
      billedAt: durationMs === undefined ? 'completion' : 'submit',
    },
    outputNames: ['annotation.json'],
    usualS: 3,
  }
}
