/**
 * Who PostgreSQL runs as. It refuses to run as root, yet in containers we often are root, and then the checkout or the
 * data directory may lie below a directory that no other user can enter (such as /root). So as root the server
 * runs as an unprivileged user, and where that user cannot reach the files, with the one capability that lets it.
 */
import { execFile, execFileSync } from 'node:child_process'
import { chownSync, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { PostgresBinaries } from './postgres-binaries.ts'

export interface User {
  name: string
  uid: number
  gid: number
}

/** How a program is started so that it does not run as root. */
export interface Runner {
  /** Undefined where we are an ordinary user already. */
  user?: User
  /** Prepended to the command line; it then changes the user by itself. */
  prefix: string[]
}

interface CommandLine {
  command: string
  args: string[]
  uid?: number
  gid?: number
}

/** Linux capabilities that let a process pass directories closed to it, the weaker first. */
const traversalCapabilities = ['dac_read_search', 'dac_override']

/**
 * As root, gives `directory` to the user that the server will run as: the owner of the cluster in it, where there is
 * one, else `postgres`, else `nobody`. Throws with what to do where that user cannot work there at all.
 */
export function chooseRunner(directory: string, binaries: PostgresBinaries): Runner {
  if (process.getuid?.() !== 0) return { prefix: [] }
  const user = ownerOf(join(directory, 'data')) ?? findUser('postgres') ?? findUser('nobody')
  if (!user) throw new Error(`PostgreSQL does not run as root, and there is no user postgres or nobody. ${advice}`)
  try {
    chownSync(directory, user.uid, user.gid)
  } catch (error) {
    const why = (error as Error).message
    throw new Error(`PostgreSQL does not run as root, and its directory cannot be given away: ${why}. ${advice}`)
  }
  const plain: Runner = { user, prefix: [] }
  if (canWorkIn(directory, binaries, plain)) return plain
  for (const capability of traversalCapabilities) {
    const runner: Runner = { user, prefix: withCapability(user, capability) }
    if (canWorkIn(directory, binaries, runner)) return runner
  }
  throw new Error(
    `PostgreSQL does not run as root, and the user ${user.name} cannot reach ${binaries.postgres} or ${directory}. ${advice}`,
  )
}

const advice =
  'Run as an ordinary user, or put the checkout and DATA_DIR where that user can enter, or set DATABASE_URL.'

/** The command line, and the user for Node to switch to, that run a program as the runner says. */
export function commandLine(runner: Runner, program: string, args: string[]): CommandLine {
  const [command, ...prefixArgs] = runner.prefix
  if (command !== undefined) return { command, args: [...prefixArgs, program, ...args] }
  return { command: program, args, uid: runner.user?.uid, gid: runner.user?.gid }
}

/** Runs a program to its end; rejects with what it printed. */
export async function run(runner: Runner, program: string, args: string[]): Promise<void> {
  const line = commandLine(runner, program, args)
  try {
    await promisify(execFile)(line.command, line.args, {
      cwd: '/',
      env: serverEnvironment,
      uid: line.uid,
      gid: line.gid,
    })
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} failed: ${stderr || stdout || error}`, { cause: error })
  }
}

/** The server's whole environment: nothing like PGPORT or PGOPTIONS of ours may reach it. */
export const serverEnvironment: NodeJS.ProcessEnv = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' }

/**
 * The capability is made ambient so that it survives the change of user and the exec; every other one is dropped by
 * the exec. Without `no_setuid_fixup` access(2), which PostgreSQL asks about its own programs, would ignore it.
 */
function withCapability(user: User, capability: string): string[] {
  return [
    'setpriv',
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    '--clear-groups',
    `--inh-caps=+${capability}`,
    `--ambient-caps=+${capability}`,
    '--securebits=+no_setuid_fixup',
  ]
}

function canWorkIn(directory: string, binaries: PostgresBinaries, runner: Runner): boolean {
  const question = 'test -x "$1" && test -r "$1" && cd "$2" && test -w .'
  const line = commandLine(runner, '/bin/sh', ['-c', question, 'sh', binaries.postgres, directory])
  try {
    execFileSync(line.command, line.args, { cwd: '/', stdio: 'ignore', uid: line.uid, gid: line.gid })
    return true
  } catch {
    return false
  }
}

function ownerOf(path: string): User | undefined {
  if (!existsSync(path)) return undefined
  const { uid, gid } = statSync(path)
  return uid === 0 ? undefined : { name: `with id ${uid}`, uid, gid }
}

function findUser(name: string): User | undefined {
  try {
    const id = (flag: string) =>
      Number.parseInt(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }), 10)
    return { name, uid: id('-u'), gid: id('-g') }
  } catch {
    return undefined
  }
}
