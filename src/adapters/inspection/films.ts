/**
 * mp4, mov and m4a: tracks, length and size as shown, and a copy packet by packet without tags. Nothing is decoded. Loaded
 * in the inspector's child process alone.
 */
import { open } from 'node:fs/promises'
import {
  Conversion,
  FilePathSource,
  FilePathTarget,
  Input,
  type InputTrack,
  MovOutputFormat,
  MP4,
  Mp4OutputFormat,
  Output,
  QTFF,
} from 'mediabunny'
import { checkBoxes } from './boxes.ts'
import type { FileType, MediaMeasures } from './inspection.ts'
import { thresholds } from './thresholds.ts'
import { Unusable, unreadable } from './unusable.ts'

export interface Film {
  media: MediaMeasures
  /** Writes the copy. `type`: the container that it gets. */
  writeCopy(type: FileType, copyPath: string): Promise<void>
  close(): void
}

/** Reads a film or an m4a. Throws Unusable. */
export async function readFilm(path: string, sizeBytes: number): Promise<Film> {
  const file = await open(path)
  try {
    await checkBoxes(file, sizeBytes)
  } finally {
    await file.close()
  }
  const input = new Input({ source: new FilePathSource(path), formats: [MP4, QTFF] })
  try {
    const media = await parsing(() => measure(input))
    return {
      media,
      writeCopy: (type, copyPath) => parsing(() => copyPackets(input, type, copyPath)),
      close: () => input.dispose(),
    }
  } catch (error) {
    input.dispose()
    throw error
  }
}

/** Faults of the library lie in the file; those of the file system have a code and go up. */
async function parsing<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    if (error instanceof Unusable || (error instanceof Error && 'code' in error)) throw error
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    throw unreadable(`its index does not fit together (${message.slice(0, 200)})`)
  }
}

async function measure(input: Input): Promise<MediaMeasures> {
  const tracks = (await input.getTracks()).filter((track) => track.isVideoTrack() || track.isAudioTrack())
  if (tracks.length === 0) throw unreadable('it has neither picture nor sound')
  for (const track of tracks) await requireCodec(track)
  const picture = await input.getPrimaryVideoTrack()
  const sound = await input.getPrimaryAudioTrack()
  const durationSeconds = await input.computeDuration()
  if (!Number.isFinite(durationSeconds) || durationSeconds > thresholds.durationMaxSeconds) {
    throw unreadable(
      `it says that it lasts ${Math.round(durationSeconds)} s, and at most ${thresholds.durationMaxSeconds} s are taken`,
    )
  }
  return {
    durationSeconds: Math.max(0, durationSeconds),
    width: picture ? await picture.getDisplayWidth() : null,
    height: picture ? await picture.getDisplayHeight() : null,
    hasPicture: picture !== null,
    hasSound: sound !== null,
    peak: null,
  }
}

async function requireCodec(track: InputTrack): Promise<void> {
  if ((await track.getCodec()) !== null) return
  throw unreadable(`its ${track.type} track is encoded in a way that is not known`)
}

async function copyPackets(input: Input, type: FileType, copyPath: string): Promise<void> {
  const options = { fastStart: false } as const
  const format = type === 'video/quicktime' ? new MovOutputFormat(options) : new Mp4OutputFormat(options)
  const output = new Output({ format, target: new FilePathTarget(copyPath) })
  const conversion = await Conversion.init({
    ...{ input, output, tags: {}, showWarnings: false },
    // The container alone tells sound and film apart: an m4a has no picture.
    ...(type === 'audio/mp4' ? { video: { discard: true } } : {}),
  })
  const lost = conversion.discardedTracks.filter(({ reason }) => reason !== 'discarded_by_user')
  if (!conversion.isValid || lost.length > 0) throw unreadable('its tracks cannot be copied')
  await conversion.execute()
}
