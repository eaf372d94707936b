/** The ten tasks: their names for sources, and what plans each. */
import type { MediaTask } from '../../../events/killatamata/media.ts'
import type { Asked, Plan, Planner } from './plan.ts'
import { planEdit, planImage, planModel } from './plan-images.ts'
import { planAnnotation, planEffect, planMusic, planSpeech } from './plan-sounds.ts'
import { planCombination, planResize, planVideo } from './plan-videos.ts'

export type SourceKind = 'image' | 'audio' | 'video'

/** A source under its own name; the others mean the same. Those of a list are joined. */
export interface SourceField {
  field: string
  kind: SourceKind
  aliases: readonly string[]
  isList?: true
  max?: number
  /** It has to be there. */
  isRequired?: true
}

const image = (field: string, ...aliases: string[]): SourceField => ({ field, kind: 'image', aliases })
const REFERENCES_MAX = 5
const OVERLAP_MAX = 12
const references: SourceField = {
  ...image('referenceImages', 'referenceImageUrls'),
  ...{ isList: true, max: REFERENCES_MAX },
}
const referenceAudio: SourceField = { field: 'referenceAudio', kind: 'audio', aliases: ['referenceAudioUrl'] }

interface TaskRules {
  sources: readonly SourceField[]
  plan: Planner
}

export const taskRules: Readonly<Record<MediaTask, TaskRules>> = {
  'image.generate': { sources: [references], plan: planImage },
  'image.edit': {
    sources: [{ ...image('sourceImage', 'sourceImageUrl'), isRequired: true }, references],
    plan: planEdit,
  },
  'video.generate': {
    sources: [
      image('startFrameImage', 'startFrameImageUrl', 'sourceImage', 'sourceImageUrl'),
      { ...image('overlapFrameImages', 'overlapFrameImageUrls'), isList: true, max: OVERLAP_MAX },
      image('finalFrameImage', 'finalFrameImageUrl'),
      referenceAudio,
    ],
    plan: planVideo,
  },
  'video.combine': {
    sources: [{ field: 'videoUrls', kind: 'video', aliases: [], isList: true }],
    plan: planCombination,
  },
  'video.resize': { sources: [{ field: 'sourceVideoUrl', kind: 'video', aliases: [] }], plan: planResize },
  'audio.speak': { sources: [referenceAudio], plan: planSpeech },
  'audio.annotation.reference': {
    sources: [{ field: 'sourceAudio', kind: 'audio', aliases: ['sourceAudioUrl'], isRequired: true }],
    plan: planAnnotation,
  },
  'ace.step.create': { sources: [], plan: planMusic },
  'moss.sound.effect': { sources: [], plan: planEffect },
  'trellis.generate': {
    sources: [{ ...image('sourceImage', 'sourceImageUrl'), isRequired: true }],
    plan: planModel,
  },
}

/** Throws Rejected where the input does not fit the task, or a source does not fit it. */
export const planOf = (asked: Asked): Plan => taskRules[asked.task].plan(asked)
