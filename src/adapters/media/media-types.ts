/** Types of files that are taken and made: what each is called, and by which part of ffmpeg it is read. */

export type MediaKind = 'image' | 'audio' | 'video'

interface MediaType {
  kind: MediaKind
  /** Of ffmpeg. It is always named, so that no file is ever read as a playlist. */
  demuxer?: string
}

/** By what file-type calls them. */
export const mediaTypes: Readonly<Record<string, MediaType>> = {
  'image/png': { kind: 'image' },
  'image/apng': { kind: 'image' },
  'image/jpeg': { kind: 'image' },
  'image/webp': { kind: 'image' },
  'audio/ogg': { kind: 'audio', demuxer: 'ogg' },
  'audio/opus': { kind: 'audio', demuxer: 'ogg' },
  'audio/wav': { kind: 'audio', demuxer: 'wav' },
  'audio/vnd.wave': { kind: 'audio', demuxer: 'wav' },
  'audio/mpeg': { kind: 'audio', demuxer: 'mp3' },
  'audio/flac': { kind: 'audio', demuxer: 'flac' },
  'audio/x-flac': { kind: 'audio', demuxer: 'flac' },
  'audio/aac': { kind: 'audio', demuxer: 'aac' },
  'audio/mp4': { kind: 'audio', demuxer: 'mov' },
  'audio/x-m4a': { kind: 'audio', demuxer: 'mov' },
  'audio/webm': { kind: 'audio', demuxer: 'matroska' },
  'video/mp4': { kind: 'video', demuxer: 'mov' },
  'video/x-m4v': { kind: 'video', demuxer: 'mov' },
  'video/quicktime': { kind: 'video', demuxer: 'mov' },
  'video/webm': { kind: 'video', demuxer: 'matroska' },
  'video/matroska': { kind: 'video', demuxer: 'matroska' },
}

/** As the API calls them. */
const SHOWN: Readonly<Record<string, string>> = {
  'image/apng': 'image/png',
  'audio/vnd.wave': 'audio/wav',
  'audio/x-flac': 'audio/flac',
  'audio/x-m4a': 'audio/mp4',
  'video/x-m4v': 'video/mp4',
}
export const shownType = (found: string): string => SHOWN[found] ?? found.split(';')[0]!.trim()

const OUTPUTS: Readonly<Record<string, string>> = {
  ...{ webp: 'image/webp', png: 'image/png', jpg: 'image/jpeg' },
  ...{ mp4: 'video/mp4', ogg: 'audio/ogg', wav: 'audio/wav', json: 'application/json', glb: 'model/gltf-binary' },
}
/** The type of a file that is made, by its name's ending. */
export const outputType = (name: string): string =>
  OUTPUTS[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
