/** The child process that looks at files and makes them: one question after the other, and it ends when its parent does. */
import '../inspection/no-network.ts'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import sharp from 'sharp'
import { outputType } from './media-types.ts'
import { type RenderedFile, RenderFailed } from './order.ts'
import { NotTaken, probe } from './probe.ts'
import { outputPath, type Studio } from './render/studio.ts'
import { ToolFailed } from './tools.ts'
import type { Answer, Question } from './workers.ts'

type Render = (studio: Studio) => Promise<void>

/** Loaded when it is asked for: most jobs need one of them. */
const renderers: Readonly<Record<string, () => Promise<Render>>> = {
  'image.generate': async () => (await import('./render/pictures.ts')).renderImage,
  'image.edit': async () => (await import('./render/pictures.ts')).renderEdit,
  'video.generate': async () => (await import('./render/clips.ts')).renderVideo,
  'video.combine': async () => (await import('./render/clips.ts')).renderCombination,
  'video.resize': async () => (await import('./render/clips.ts')).renderResize,
  'audio.speak': async () => (await import('./render/sounds.ts')).renderSpeech,
  'ace.step.create': async () => (await import('./render/sounds.ts')).renderMusic,
  'moss.sound.effect': async () => (await import('./render/sounds.ts')).renderEffect,
  'audio.annotation.reference': async () => (await import('./render/annotation.ts')).renderAnnotation,
  'trellis.generate': async () => (await import('./render/model.ts')).renderModel,
}

// One picture at a time: workers share the processors with whoever answers requests.
sharp.concurrency(1)
sharp.cache(false)

async function digestOf(path: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const block of createReadStream(path)) digest.update(block as Buffer)
  return digest.digest('hex')
}

async function described(path: string, question: Extract<Question, { kind: 'render' }>): Promise<RenderedFile> {
  const mimeType = outputType(path)
  const kind = mimeType.split('/')[0]
  const isMedia = kind === 'image' || kind === 'audio' || kind === 'video'
  const { measures } = isMedia ? await probe(path, kind, question.prober) : { measures: {} }
  return {
    name: basename(path),
    path,
    mimeType,
    sizeBytes: (await stat(path)).size,
    sha256: await digestOf(path),
    measures,
  }
}

async function work(question: Question): Promise<Answer> {
  if (question.kind === 'probe') {
    const probed = await probe(question.path, question.wanted, question.prober)
    return { kind: 'probed', probed }
  }
  const { order, prober, limits } = question
  const render = await renderers[order.task]?.()
  if (!render) throw new RenderFailed('provider_failed', `${order.task} is not made here.`)
  const studio: Studio = { order, tools: prober.tools, limits }
  await render(studio)
  const files = await Promise.all(order.outputNames.map((_, index) => described(outputPath(studio, index), question)))
  return { kind: 'rendered', files }
}

function failureOf(error: unknown): Answer {
  if (error instanceof NotTaken) return { kind: 'refused', code: 'input_unusable', message: error.message }
  if (error instanceof RenderFailed) return { kind: 'refused', code: error.code, message: error.message }
  if (error instanceof ToolFailed && error.isTimeout) {
    return { kind: 'refused', code: 'provider_timeout', message: 'The work took too long.' }
  }
  return { kind: 'failed', message: error instanceof Error ? error.message : String(error) }
}

process.on('message', (question: Question) => {
  work(question)
    .catch(failureOf)
    .then((answer) => process.send?.(answer))
})
process.on('disconnect', () => process.exit(0))
