/**
 * Sources of a job, before its money is held. Bytes that come along are decoded, looked at and kept under their SHA-256; a file of this
 * instance is found; an address elsewhere is vetted, and fetched when the job runs.
 */
import { hash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NotTaken, type Probed } from '../../../adapters/media/probe.ts'
import { refuse } from '../../../adapters/object-store/disk-files.ts'
import { measure } from '../../../adapters/object-store/hashing.ts'
import type { AskedSource } from '../../../commands/killatamata/media/inputs.ts'
import { unfit } from '../../../commands/killatamata/media/plan.ts'
import type { SourceKind } from '../../../commands/killatamata/media/tasks.ts'
import { Rejected } from '../../../commands/killatamata/rejection.ts'
import type { Adjustment, MediaSource } from '../../../events/killatamata/media.ts'
import { fetchFile, NotFetched, vetAddress } from './outbound.ts'
import type { Media, OwnFile } from './parts.ts'

export interface StagedSource {
  source: MediaSource
  adjustments: Adjustment[]
  isInline: boolean
}

type Of = Pick<AskedSource, 'field' | 'index' | 'kind'>

const DATA_URI = /^data:([a-z]+\/[a-z0-9.+-]+)?((?:;[a-z0-9=._-]+)*),/i
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

export const bytesMaxOf = ({ limits }: Pick<Media, 'limits'>, kind: SourceKind): number =>
  ({ image: limits.MEDIA_IMAGE_MAX_BYTES, audio: limits.MEDIA_AUDIO_MAX_BYTES, video: limits.MEDIA_VIDEO_MAX_BYTES })[
    kind
  ]

/** Throws Rejected (media_input_invalid, url_not_allowed), ObjectStoreUnavailable. */
export async function stage(media: Media, asked: AskedSource, looksNow: boolean): Promise<StagedSource> {
  const { field, index, kind, given } = asked
  if ('dataBase64' in given) return stageBytes(media, asked, given)
  const { url } = given
  const own = await findOwn(media, url, field)
  if (own === null) throw unfit(field, 'The file at this address is not here.')
  if (own) {
    if (!own.mimeType.startsWith(`${kind}/`)) throw unfit(field, `It is of the type ${own.mimeType}.`)
    return { source: { kind: 'object', field, index, ...own }, adjustments: [], isInline: false }
  }
  await vetAddress(media.outbound, url, `/input/${field}`)
  const source: MediaSource = { kind: 'address', field, index, url }
  const seen = looksNow ? await look(media, asked, url) : undefined
  return { source: seen ?? source, adjustments: [], isInline: false }
}

/** Undefined: the address is of somewhere else; null: no such file is here. Throws Rejected for pages here that are no files. */
async function findOwn({ apiUrl, ownFiles }: Media, url: string, field: string): Promise<OwnFile | null | undefined> {
  if (!URL.canParse(url)) return undefined
  const { origin, pathname } = new URL(url)
  if (origin !== new URL(apiUrl()).origin) return undefined
  for (const find of ownFiles) {
    const found = await find(pathname)
    if (found !== undefined) return found
  }
  throw new Rejected('url_not_allowed', 'Of this address, files alone are taken.', `/input/${field}`)
}

/** Throws Rejected where it is no base64, or a data URI that says itself that it is of another kind. */
function decoded({ field, kind }: Of, text: string, bytesMax: number): Buffer {
  const [head = ''] = DATA_URI.exec(text.slice(0, 200)) ?? []
  if (text.startsWith('data:') && !/;base64,$/i.test(head)) throw unfit(field, 'A data URI must hold base64.')
  const declared = declaredIn(text)
  if (declared !== undefined && !MAY_BE[kind].test(declared))
    throw unfit(field, `A data URI of ${declared} is no ${kind}.`)
  const data = text.slice(head.length)
  if (data === '' || data.length % 4 !== 0 || !BASE64.test(data)) throw unfit(field, 'dataBase64 is no base64.')
  if ((data.length / 4) * 3 - 2 > bytesMax) throw unfit(field, `It has more than ${bytesMax} bytes.`)
  return Buffer.from(data, 'base64')
}

/** Types under which a kind is sent; containers of sound are often called those of clips. */
const MAY_BE: Readonly<Record<SourceKind, RegExp>> = {
  image: /^(image\/|application\/octet-stream$)/,
  audio: /^(audio\/|video\/|application\/(ogg|octet-stream)$)/,
  video: /^(video\/|application\/octet-stream$)/,
}

/** What its data URI says that it is; the bytes decide. */
const declaredIn = (text: string): string | undefined => DATA_URI.exec(text.slice(0, 200))?.[1]?.toLowerCase()

async function stageBytes(
  media: Media,
  { field, index, kind }: Of,
  { dataBase64, mimeType: named }: { dataBase64: string; mimeType: string | undefined },
): Promise<StagedSource> {
  const bytes = decoded({ field, index, kind }, dataBase64, bytesMaxOf(media, kind))
  const path = join(media.directory, randomUUID())
  try {
    await writeFile(path, bytes).catch(refuse)
    const { mimeType, measures } = await probed(media, path, { field, index, kind })
    const sha256 = hash('sha256', bytes)
    const objectKey = inputKeyOf(sha256)
    await media.objects.write(objectKey, bytes, { contentType: mimeType, sha256 })
    const declared = named ?? declaredIn(dataBase64)
    const isOther = declared !== undefined && !isSameType(declared, mimeType)
    return {
      source: { kind: 'object', field, index, objectKey, sha256, mimeType, sizeBytes: bytes.length, measures },
      adjustments: isOther ? [{ field, requested: declared, effective: mimeType, reason: 'detected_from_bytes' }] : [],
      isInline: true,
    }
  } finally {
    await rm(path, { force: true })
  }
}

const inputKeyOf = (sha256: string): string => `media/inputs/${sha256}`
const SAME: Readonly<Record<string, string>> = {
  ...{ 'image/jpg': 'image/jpeg', 'audio/opus': 'audio/ogg', 'audio/mp3': 'audio/mpeg', 'audio/x-wav': 'audio/wav' },
  ...{ 'audio/wave': 'audio/wav', 'audio/x-flac': 'audio/flac' },
}
const isSameType = (a: string, b: string): boolean => (SAME[a] ?? a) === (SAME[b] ?? b)

async function probed(media: Media, path: string, { field, kind }: Of): Promise<Probed> {
  try {
    return await media.workers.probe({ path, wanted: kind, prober: media.prober() })
  } catch (error) {
    // What ends the one that looks at it is no medium either.
    const isFault = error instanceof NotTaken || (error instanceof Error && error.name === 'InspectorCrashed')
    if (isFault) throw unfit(field, error instanceof NotTaken ? error.message : 'It cannot be looked at.')
    throw error
  }
}

/** A clip from elsewhere that can be had at once: what it costs depends on it. Undefined: it is looked at later. */
async function look(media: Media, { field, index, kind }: Of, url: string): Promise<MediaSource | undefined> {
  const path = join(media.directory, randomUUID())
  try {
    const timeoutMs = media.limits.MEDIA_LOOK_TIMEOUT_MS
    await fetchFile(media.outbound, { url, to: path, bytesMax: bytesMaxOf(media, kind), timeoutMs })
    const { mimeType, measures } = await media.workers.probe({ path, wanted: kind, prober: media.prober() })
    const { sha256 } = await measure(createReadStream(path))
    const objectKey = inputKeyOf(sha256)
    await media.objects.write(objectKey, path, { contentType: mimeType, sha256 })
    return { kind: 'object', field, index, objectKey, sha256, mimeType, sizeBytes: (await stat(path)).size, measures }
  } catch (error) {
    const isFault = error instanceof Error && ['NotFetched', 'NotTaken', 'InspectorCrashed'].includes(error.name)
    if (isFault || error instanceof NotFetched) return undefined
    throw error
  } finally {
    await rm(path, { force: true })
  }
}
