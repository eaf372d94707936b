/** Files of jobs, as they come from their addresses: kept in the data directory, and looked into. */
import { hash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { findTools, runTool } from '../../../adapters/media/tools.ts'
import { CliError, EXIT } from '../../terminal.ts'
import { type KillatamataStory, type MadeFile, partOf } from './story.ts'
import type { Job } from './working.ts'

const TIMEOUT_MS = 30_000
const MIB = 1_048_576
const LIMITS = { timeMaxMs: TIMEOUT_MS, memoryMaxBytes: 2_048 * MIB, fileMaxBytes: 64 * MIB }

/** Fetches the first file of a job and puts it under this name. Throws CliError where it is not what the job says. */
export async function keepFile(
  { directory }: KillatamataStory,
  { outputFiles, result, status }: Job,
  name: string,
): Promise<MadeFile> {
  const [file] = outputFiles ?? []
  if (!file) {
    const { code } = partOf(result, 'error')
    throw new CliError(EXIT.refused, `the job has no file: it is ${status}${code ? ` (${code})` : ''}`)
  }
  const { url } = file
  const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
  const bytes = Buffer.from(await answer.arrayBuffer())
  if (answer.status !== 200 || hash('sha256', bytes) !== file.sha256) {
    throw new CliError(EXIT.refused, `${url} was answered ${answer.status} with other bytes than the job has`)
  }
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, name)
  await writeFile(path, bytes)
  return { url, path }
}

/** `webp 1024x1024`. */
export async function pictureFacts({ path }: MadeFile): Promise<string> {
  const { format, width, height } = await sharp(path).metadata()
  return `${format} ${width}x${height}`
}

export interface PlayedFacts {
  codec: string
  size: string
  frames: number
  durationS: number
}

interface Probed {
  streams: { codec_name: string; width?: number; height?: number; nb_read_frames?: string }[]
  format: { duration: string }
}

/** What ffprobe says of the first stream of a clip or a sound, with its frames counted. */
export async function playedFacts({ directory }: KillatamataStory, { path }: MadeFile): Promise<PlayedFacts> {
  const tools = findTools({ ffmpeg: process.env.FFMPEG_PATH, ffprobe: process.env.FFPROBE_PATH })
  const asked = ['-v', 'error', '-show_format', '-show_streams', '-count_frames', '-of', 'json', path]
  const told = await runTool(tools, 'ffprobe', asked, { cwd: directory, limits: LIMITS })
  const { streams, format } = JSON.parse(told) as Probed
  const [first] = streams
  return {
    codec: first?.codec_name ?? 'none',
    size: `${first?.width}x${first?.height}`,
    frames: Number(first?.nb_read_frames),
    durationS: Number(format.duration),
  }
}
