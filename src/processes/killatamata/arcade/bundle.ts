/** What a bundle has to be: an archive of a game that Godot has exported for the web, with a manifest that says which. */
import { z } from 'zod'
import {
  type ArchiveFault,
  type ArchiveLimits,
  ArchiveRefused,
  type CheckedFile,
  checkArchive,
} from '../../../adapters/archives/zip.ts'
import { CoverRefused, makeCover } from '../../../adapters/pictures/cover.ts'
import type { ArcadeSettings } from './settings.ts'

export type BundleFault =
  | ArchiveFault
  | 'file_type'
  | 'manifest_invalid'
  | 'entrypoint_missing'
  | 'engine_files_missing'
  | 'cover_invalid'

/** `pointer` names the part of the form. */
export class BundleRefused extends Error {
  override name = 'BundleRefused'
  readonly fault: BundleFault
  readonly pointer: string
  constructor(fault: BundleFault, pointer: string, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.fault = fault
    this.pointer = pointer
  }
}

/** Semantic Versioning 2.0.0, in its own grammar. */
const NUMBER = '(?:0|[1-9]\\d*)'
const IDENTIFIER = `(?:${NUMBER}|\\d*[a-zA-Z-][0-9a-zA-Z-]*)`
const SEMVER = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-${IDENTIFIER}(?:\\.${IDENTIFIER})*)?(?:\\+[0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*)?$`,
)
const VERSION_LENGTH_MAX = 64
const PATH_LENGTH_MAX = 200

const manifestSchema = z.object({
  version: z.string().max(VERSION_LENGTH_MAX, { abort: true }).regex(SEMVER, 'must be a semantic version'),
  engine: z.literal('godot'),
  engineVersion: z.string().min(1).max(VERSION_LENGTH_MAX),
  entrypoint: z
    .string()
    .max(PATH_LENGTH_MAX, { abort: true })
    .regex(/^[^/\\].*\.html?$/i, 'must be a page of the bundle'),
  threads: z.boolean().default(false),
})
export type Manifest = z.output<typeof manifestSchema>

/** Throws BundleRefused. Members that are not known have no effect. */
export function readManifest(text: string): Manifest {
  const refused = (detail: string, cause?: unknown) =>
    new BundleRefused('manifest_invalid', '/manifestJson', detail, { cause })
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (error) {
    throw refused('The manifest is no JSON.', error)
  }
  const read = manifestSchema.safeParse(given)
  if (read.success) return read.data
  const [issue] = read.error.issues
  throw refused(`The manifest does not fit: ${issue?.path.join('.') || 'it'} ${issue?.message ?? 'is wrong'}.`)
}

/** Ending of a file's name → the type that it is served with. Others are in no bundle. */
export const WEB_TYPES: Readonly<Record<string, string>> = {
  ...{ html: 'text/html; charset=utf-8', htm: 'text/html; charset=utf-8', css: 'text/css; charset=utf-8' },
  ...{ js: 'text/javascript; charset=utf-8', mjs: 'text/javascript; charset=utf-8', wasm: 'application/wasm' },
  ...{ pck: 'application/octet-stream', json: 'application/json', webmanifest: 'application/manifest+json' },
  ...{ txt: 'text/plain; charset=utf-8', md: 'text/plain; charset=utf-8', map: 'application/json' },
  ...{ png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', webp: 'image/webp', gif: 'image/gif' },
  ...{ svg: 'image/svg+xml', ico: 'image/x-icon', avif: 'image/avif' },
  ...{ ogg: 'audio/ogg', oga: 'audio/ogg', mp3: 'audio/mpeg', wav: 'audio/wav', m4a: 'audio/mp4' },
  ...{ mp4: 'video/mp4', webm: 'video/webm', ogv: 'video/ogg' },
  ...{ woff: 'font/woff', woff2: 'font/woff2', ttf: 'font/ttf', otf: 'font/otf' },
}

export const endingOf = (path: string): string => /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? ''
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1)

/** How files of the engine begin. */
const WASM = Buffer.from('\0asm', 'latin1')
const PCK = Buffer.from('GDPC', 'latin1')
const beginsWith = ({ head }: CheckedFile, mark: Uint8Array): boolean =>
  Buffer.from(head.subarray(0, mark.byteLength)).equals(mark)

/** What a bundle was checked for, in this order. */
export const CHECKS = ['manifest', 'archive', 'paths', 'sizes', 'file_types', 'entrypoint', 'engine_files', 'cover']

export const archiveLimitsOf = (limits: ArcadeSettings): ArchiveLimits => ({
  unpackedMaxBytes: limits.ARCADE_UNPACKED_MAX_BYTES,
  entriesMax: limits.ARCADE_ENTRIES_MAX,
  ratioMax: limits.ARCADE_RATIO_MAX,
  ratioFromBytes: limits.ARCADE_RATIO_FROM_BYTES,
  pathMaxBytes: limits.ARCADE_PATH_MAX_BYTES,
  pathDepthMax: limits.ARCADE_PATH_DEPTH_MAX,
})

/** Reads the archive at `path` to its end. Throws BundleRefused. */
export async function checkFiles(
  path: string,
  { entrypoint }: Pick<Manifest, 'entrypoint'>,
  limits: ArcadeSettings,
): Promise<CheckedFile[]> {
  const refused = (fault: BundleFault, detail: string, cause?: unknown) =>
    new BundleRefused(fault, '/bundle', detail, { cause })
  const files = await checkArchive(path, archiveLimitsOf(limits)).catch((error: unknown) => {
    throw error instanceof ArchiveRefused ? refused(error.fault, error.message, error) : error
  })
  const strange = files.find((file) => !(endingOf(file.path) in WEB_TYPES))
  if (strange) throw refused('file_type', 'It has a file of a kind that games for the web do not have.')
  if (!files.some((file) => file.path === entrypoint)) {
    throw refused('entrypoint_missing', 'The page that the manifest names is not in it.')
  }
  const beside = files.filter((file) => folderOf(file.path) === folderOf(entrypoint))
  const has = (ending: string, mark?: Uint8Array) =>
    beside.some((file) => endingOf(file.path) === ending && (mark === undefined || beginsWith(file, mark)))
  if (!has('js') || !has('wasm', WASM) || !has('pck', PCK)) {
    throw refused('engine_files_missing', 'Beside its page are not the script, the module and the pack of the engine.')
  }
  return files
}

/** The cover as it is kept; undefined: there is none. Throws BundleRefused. */
export async function checkCover(path: string | undefined): Promise<Uint8Array | undefined> {
  if (path === undefined) return undefined
  return makeCover(path).catch((error: unknown) => {
    throw error instanceof CoverRefused
      ? new BundleRefused('cover_invalid', '/coverImage', error.message, { cause: error })
      : error
  })
}
