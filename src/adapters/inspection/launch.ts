/**
 * Starts a process that may do little: no variables of the environment, files of this program and of one folder alone, no
 * other programs, and no network where the system lets it be taken away.
 */
import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** V8's own heap; pictures lie outside of it. */
const HEAP_MAX_MIB = 384
const UNSHARE = '/usr/bin/unshare'
/** A namespace of users is what lets a process without rights have a network of its own. */
const UNSHARE_OPTIONS = ['--user', '--map-current-user', '--net', '--']

const root = fileURLToPath(new URL('../../../', import.meta.url))
const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), 'child.ts')

let unshares: boolean | undefined

/** Whether this system gives a process a network of its own; containers mostly do not. */
function canUnshare(): boolean {
  unshares ??=
    existsSync(UNSHARE) && spawnSync(UNSHARE, [...UNSHARE_OPTIONS, '/bin/true'], { stdio: 'ignore' }).status === 0
  return unshares
}

/**
 * Starts `program` in these bounds, with a channel for messages. It reads and writes in `directory`. `mayStart`: it may start other
 * programs, which it bounds by itself.
 */
export function launchConfined(directory: string, program = PROGRAM, { mayStart = false } = {}): ChildProcess {
  const readable = ['src', 'node_modules', 'package.json'].map((name) => join(root, name))
  const flags = [
    '--permission',
    '--allow-addons',
    ...(mayStart ? ['--allow-child-process'] : []),
    ...[...readable, dirname(program), directory].map((path) => `--allow-fs-read=${path}`),
    `--allow-fs-write=${directory}`,
    `--max-old-space-size=${HEAP_MAX_MIB}`,
    '--disable-warning=ExperimentalWarning',
    '--disable-warning=SecurityWarning',
  ]
  const [execPath, execArgv] = canUnshare()
    ? [UNSHARE, [...UNSHARE_OPTIONS, process.execPath, ...flags]]
    : [process.execPath, flags]
  return fork(program, [], { execPath, execArgv, env: {}, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
}
