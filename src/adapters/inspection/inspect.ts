/**
 * One inspection, step by step: what the bytes are, whether that was declared and is taken, whether they can be read to
 * their end, how good they are, and the copy for the buyer. Runs in the inspector's child process.
 */
import { open, rm } from 'node:fs/promises'
import { digestOf, type Source, sourceOf } from './file-bytes.ts'
import {
  type FileType,
  type Inspection,
  type InspectionRequest,
  isImageType,
  type MediaMeasures,
} from './inspection.ts'
import { sniff } from './sniffing.ts'
import { Unusable } from './unusable.ts'

type Seen = Pick<Inspection, 'image' | 'media' | 'copy'>

/** What the file is and how good. Rejects where this machine is at fault; faults of the file are part of the answer. */
export async function inspect(request: InspectionRequest): Promise<Inspection> {
  const source = await sourceOf(request.path)
  const digest = await digestOf(source)
  const nothing = { image: null, media: null, copy: null }
  let detectedType: FileType | null = null
  try {
    if (digest.sizeBytes === 0) throw new Unusable('empty', 'it is empty')
    const sniffed = await sniff(source)
    const found = await withoutPicture(request, digest.sizeBytes, sniffed.type)
    detectedType = found
    const type = requireType(request, found, sniffed.name)
    return { ...digest, detectedType: type, fault: null, ...(await look(request, source, digest.sizeBytes, type)) }
  } catch (error) {
    if (!(error instanceof Unusable)) throw error
    await Promise.all([request.copyPath, request.previewPath].map((path) => path && rm(path, { force: true })))
    return { ...digest, detectedType, fault: error.fault, ...nothing }
  }
}

/** Recorders on phones write sound into a container that says nothing of it: without a picture it is an m4a. */
async function withoutPicture({ path, declaredType }: InspectionRequest, sizeBytes: number, type: FileType | null) {
  if (type !== 'video/mp4' || declaredType !== 'audio/mp4') return type
  const { readFilm } = await import('./films.ts')
  const film = await readFilm(path, sizeBytes)
  film.close()
  return film.media.hasPicture ? type : 'audio/mp4'
}

function requireType(
  { declaredType, acceptedTypes }: InspectionRequest,
  found: FileType | null,
  name: string,
): FileType {
  if (found === null)
    throw new Unusable('type_unknown', `it was declared as ${declaredType}, and its first bytes are ${name}`)
  if (found !== declaredType) throw new Unusable('type_differs', `it was declared as ${declaredType}, and is ${found}`)
  if (!acceptedTypes.includes(found)) {
    throw new Unusable('type_not_accepted', `it is ${found}, and the job takes ${acceptedTypes.join(', ')}`)
  }
  return found
}

async function look(request: InspectionRequest, source: Source, sizeBytes: number, type: FileType): Promise<Seen> {
  const { path, copyPath, previewPath } = request
  if (isImageType(type)) {
    const { inspectImage } = await import('./images.ts')
    return { ...(await inspectImage(source, type, copyPath, previewPath)), media: null }
  }
  const media = await (type === 'audio/wav' || type === 'audio/mpeg'
    ? copySound(path, sizeBytes, type, copyPath)
    : copyFilm(path, sizeBytes, type, copyPath))
  const { width, height, durationSeconds } = media
  return {
    image: null,
    media,
    copy: { ...(await digestOf(copyPath)), contentType: type, width, height, durationSeconds },
  }
}

async function copyFilm(path: string, sizeBytes: number, type: FileType, copyPath: string): Promise<MediaMeasures> {
  const { readFilm } = await import('./films.ts')
  const film = await readFilm(path, sizeBytes)
  try {
    await film.writeCopy(type, copyPath)
    return film.media
  } finally {
    film.close()
  }
}

async function copySound(path: string, sizeBytes: number, type: FileType, copyPath: string): Promise<MediaMeasures> {
  const nothing = { width: null, height: null, hasPicture: false, hasSound: true }
  const file = await open(path)
  try {
    if (type === 'audio/wav') {
      const { peakOf, readWav, writeWavCopy } = await import('./wav.ts')
      const wav = await readWav(file, sizeBytes)
      const peak = await peakOf(file, wav)
      await writeWavCopy(file, wav, copyPath)
      return { ...nothing, durationSeconds: wav.durationSeconds, peak }
    }
    const { readMp3, writeMp3Copy } = await import('./mp3.ts')
    const mp3 = await readMp3(file, sizeBytes)
    await writeMp3Copy(mp3, copyPath)
    return { ...nothing, durationSeconds: mp3.durationSeconds, peak: null }
  } finally {
    await file.close()
  }
}
