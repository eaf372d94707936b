/**
 * Programs that work on clips and sounds, ffmpeg and ffprobe: where they are, and how one is run. A run has no environment, a time
 * limit, a limit of its memory and of what it writes; it ends with the process that has started it, and it opens files alone.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chmodSync, constants, existsSync } from 'node:fs'
import { createRequire } from 'node:module'

export type ToolName = 'ffmpeg' | 'ffprobe'

export interface ToolLimits {
  timeMaxMs: number
  memoryMaxBytes: number
  /** Of one file that it writes. */
  fileMaxBytes: number
}

/** The program is not here; the message says what to do. */
export class ToolMissing extends Error {
  override name = 'ToolMissing'
}
/** It has ended with a fault; its own words stay here. */
export class ToolFailed extends Error {
  override name = 'ToolFailed'
  readonly isTimeout: boolean
  constructor(message: string, isTimeout = false) {
    super(message)
    this.isTimeout = isTimeout
  }
}

const VARIABLES = { ffmpeg: 'FFMPEG_PATH', ffprobe: 'FFPROBE_PATH' } as const
const PACKAGES = { ffmpeg: '@ffmpeg-installer', ffprobe: '@ffprobe-installer' } as const

const SHELL = '/bin/sh'

const mayRun = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The package's own program. Where scripts of packages are not run, one of them comes without the right to be run. */
function packaged(name: ToolName): string | undefined {
  const require = createRequire(import.meta.url)
  const platform = `${PACKAGES[name]}/${process.platform}-${process.arch}`
  const file = process.platform === 'win32' ? `${name}.exe` : name
  try {
    const path = require.resolve(`${platform}/${file}`)
    if (!mayRun(path)) chmodSync(path, 0o755)
    return mayRun(path) ? path : undefined
  } catch {
    return undefined
  }
}

function onPath(name: ToolName): string | undefined {
  const { status, stdout } = spawnSync(SHELL, ['-c', `command -v ${name}`], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

/** The setting, else the package's program, else one on the PATH. Throws ToolMissing. */
export function findTool(name: ToolName, given: string | undefined): string {
  if (given !== undefined) {
    if (mayRun(given)) return given
    throw new ToolMissing(`${VARIABLES[name]} names ${given}, which cannot be run.`)
  }
  const found = packaged(name) ?? onPath(name)
  if (found !== undefined) return found
  throw new ToolMissing(
    `${name} is not here: install the package of ${PACKAGES[name]} for ${process.platform}-${process.arch}, or the ` +
      `system's own (Debian: apt-get install ffmpeg), or name the program with ${VARIABLES[name]}.`,
  )
}

/** Both are from util-linux, which Debian always has. The first: the program is killed when whoever has started it dies. */
const DIES_WITH_PARENT = ['/usr/bin/setpriv', '--pdeathsig', 'KILL']
/**
 * The second: it runs where nobody else wants the core, and leaves it at once to whoever wakes (sched(7), SCHED_IDLE). Beside a
 * nice value alone a request would wait for the end of its turn each time that it, or Postgres for it, wakes.
 */
const MAKES_WAY = ['/usr/bin/chrt', '--idle', '0']

/** The words, where this system has the program and lets us use it so; else none. */
const usable = (words: readonly string[]): readonly string[] => {
  const [program = '', ...options] = words
  const isHere = existsSync(program) && spawnSync(program, [...options, '/bin/true'], { stdio: 'ignore' }).status === 0
  return isHere ? words : []
}
let usableWords: Record<ToolName, readonly string[]> | undefined

/** The programs of this machine, for a process that may not look for them itself. */
export interface Tools {
  ffmpeg: string
  ffprobe: string
  /** What stands before each of them. */
  before: Record<ToolName, readonly string[]>
}

/** Throws ToolMissing. */
export function findTools(given: { ffmpeg?: string | undefined; ffprobe?: string | undefined }): Tools {
  const found = { ffmpeg: findTool('ffmpeg', given.ffmpeg), ffprobe: findTool('ffprobe', given.ffprobe) }
  if (!usableWords) {
    const dies = usable(DIES_WITH_PARENT)
    // For the answer of ffprobe a request may wait.
    usableWords = { ffmpeg: [...dies, ...usable(MAKES_WAY)], ffprobe: dies }
  }
  return { ...found, before: usableWords }
}

/** POSIX: what `ulimit -f` counts in. */
const BLOCK_BYTES = 512
const KIB = 1_024
/** What a program says is kept up to here: it is JSON, or its last words. */
const OUTPUT_MAX_BYTES = 4_194_304
const LAST_WORDS_MAX = 2_000

/** Starts it in its bounds; the shell only sets them. */
function launch(command: readonly string[], cwd: string, limits: ToolLimits): ChildProcess {
  const bounds = [
    `ulimit -v ${Math.ceil(limits.memoryMaxBytes / KIB)}`,
    `ulimit -f ${Math.ceil(limits.fileMaxBytes / BLOCK_BYTES)}`,
    `ulimit -t ${Math.ceil(limits.timeMaxMs / 1_000) * 2}`,
    'ulimit -c 0',
  ].join(' && ')
  return spawn(SHELL, ['-c', `${bounds} && exec "$@"`, 'sh', ...command], {
    ...{ cwd, env: {} },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Runs it to its end. Answers with what it wrote to its output. Throws ToolFailed. */
export async function runTool(
  tools: Tools,
  name: ToolName,
  args: readonly string[],
  { cwd, limits }: { cwd: string; limits: ToolLimits },
): Promise<string> {
  const child = launch([...tools.before[name], tools[name], ...args], cwd, limits)
  const told: { output: Buffer[]; bytes: number; words: string } = { output: [], bytes: 0, words: '' }
  const kill = () => void child.kill('SIGKILL')
  let isTimeout = false
  const timer = setTimeout(() => {
    isTimeout = true
    kill()
  }, limits.timeMaxMs)
  child.stdout?.on('data', (chunk: Buffer) => {
    told.bytes += chunk.length
    if (told.bytes > OUTPUT_MAX_BYTES) kill()
    else told.output.push(chunk)
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    told.words = `${told.words}${chunk}`.slice(-LAST_WORDS_MAX)
  })
  try {
    const [code, ended] = (await once(child, 'close')) as [number | null, string | null]
    if (code === 0) return Buffer.concat(told.output).toString('utf8')
    throw new ToolFailed(`it ended with ${code ?? ended}: ${told.words}`, isTimeout)
  } finally {
    clearTimeout(timer)
  }
}
