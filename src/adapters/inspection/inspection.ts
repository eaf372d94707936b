/**
 * What an inspection is asked and what it answers. The inspector looks at the bytes of one file and measures; it gives no
 * verdict. stars.ts turns what it saw into stars and a reason.
 */

export const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/webp'] as const
export const AUDIO_TYPES = ['audio/mpeg', 'audio/wav', 'audio/mp4'] as const
export const VIDEO_TYPES = ['video/mp4', 'video/quicktime'] as const
export type FileType = (typeof IMAGE_TYPES | typeof AUDIO_TYPES | typeof VIDEO_TYPES)[number]

export const isImageType = (type: string): boolean => type.startsWith('image/')

export interface InspectionRequest {
  /** The file to look at, on this machine. */
  path: string
  /** The media type that whoever sent it named. */
  declaredType: string
  /** The media types that the buyer takes. */
  acceptedTypes: readonly string[]
  /** Where the copy for the buyer is written, if there is to be one. */
  copyPath: string
  /** Where a small picture for a model is written; absent: none is made. */
  previewPath?: string
}

/** Why a file is of no use, and what was seen, as the end of a sentence for people: `its first bytes are those of a PDF`. */
export interface InspectionFault {
  kind: 'empty' | 'type_unknown' | 'type_differs' | 'type_not_accepted' | 'too_many_pixels' | 'truncated' | 'unreadable'
  detail: string
}

/** A picture, as it is shown: turned as its EXIF orientation says. */
export interface ImageMeasures {
  width: number
  height: number
  /** Of the Laplacian over the greyscale picture of at most 512 px: how sharp it is. */
  variance: number
  /** Of the grey values, 0 to 255. */
  mean: number
  /** Standard deviation of the grey values: 0 is one flat tone. */
  deviation: number
  /** 64 bits, as 16 hexadecimal digits: alike pictures differ in few of them. */
  perceptualHash: string
}

export interface MediaMeasures {
  durationSeconds: number
  /** As shown, rotation included; null without a picture. */
  width: number | null
  height: number | null
  hasPicture: boolean
  hasSound: boolean
  /** Greatest sample of an uncompressed sound, 0 to 1; null where it was not measured. */
  peak: number | null
}

/** The file that the buyer gets: without place, names, comments, or anything behind its end. */
export interface DeliveredCopy {
  sizeBytes: number
  /** Hexadecimal. */
  sha256: string
  contentType: FileType
  width: number | null
  height: number | null
  durationSeconds: number | null
}

export interface Inspection {
  sizeBytes: number
  /** Of the bytes as they were sent, hexadecimal. */
  sha256: string
  /** What the bytes are; null where they are none of the types that are taken. */
  detectedType: FileType | null
  /** Set where the file is of no use; then there are no measures and no copy. */
  fault: InspectionFault | null
  image: ImageMeasures | null
  media: MediaMeasures | null
  copy: DeliveredCopy | null
}

export interface DrawingRequest {
  /** Each another picture. */
  seed: number
  type: 'image/png' | 'image/jpeg' | 'image/webp'
  /** Where it is written. */
  path: string
}

export interface Inspector {
  /**
   * Inspects one file; several wait for each other. Rejects with InspectorCrashed where the file has ended the inspector,
   * and with another error where this machine is at fault: the file is gone, the disk is full.
   */
  inspect(request: InspectionRequest): Promise<Inspection>
  /** Draws a picture for trying things out, in the same process. Rejects like `inspect`. */
  draw(request: DrawingRequest): Promise<void>
  /** Ends the child process. */
  close(): Promise<void>
}

/** The process that inspects has ended, taken too long or too much memory; the next file gets a new one. */
export class InspectorCrashed extends Error {
  override name = 'InspectorCrashed'
  override readonly cause: 'ended' | 'time' | 'memory'

  constructor(cause: InspectorCrashed['cause'], message: string) {
    super(message)
    this.cause = cause
  }
}
