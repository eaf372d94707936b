/**
 * Runs a backing service as a child that never outlives us. A small `sh` stands between: it leads a session of its
 * own (a Ctrl-C in the terminal must not hit the services, which are stopped in order), starts the service, and
 * listens on a pipe whose only writer is this process. When the pipe closes, because we asked for it or because this
 * process died, kill -9 included, the shell signals the service and, after a grace period, kills it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, renameSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'

export interface GuardedOptions {
  cwd?: string
  /** The whole environment of the service; nothing of ours is inherited where it is given. */
  env?: NodeJS.ProcessEnv
  /** Runs guardian and service as this user; only root may ask for it. */
  uid?: number
  gid?: number
  /** Asks the service to stop in good order. */
  stopSignal: 'TERM' | 'INT'
  /** After this time a stopping service is killed. Whole seconds count, at least one. Default 10,000. */
  stopGraceMs?: number
  /** Receives stdout and stderr. The log of the run before is kept beside it as `<logFile>.previous`. */
  logFile: string
}

export interface GuardedExit {
  /** The exit code as a shell gives it: 128 plus the signal's number where a signal ended the service. */
  code: number
}

export interface Guarded {
  /** Process id of the service itself. */
  pid: number
  /** Resolves when the service has ended, for whatever reason. */
  exited: Promise<GuardedExit>
  /** Stops the service and resolves when it is gone; may be called more than once. */
  stop(): Promise<void>
}

// Arguments: stop signal, grace in seconds, command and its arguments. Descriptor 3 reports the service's process id,
// descriptor 4 is a copy of the pipe from us, which a background job would otherwise not see as its stdin.
const guardianScript = `
signal=$1 grace=$2
shift 2
exec 4<&0
"$@" </dev/null 3>&- 4<&- &
service=$!
echo "$service" >&3
exec 3>&-
(
  while read -r line; do :; done <&4
  kill -s "$signal" "$service" 2>/dev/null
  sleep "$grace"
  kill -s KILL "$service" 2>/dev/null
) &
wait "$service"
code=$?
trap '' TERM
kill -s TERM 0
exit "$code"
`

/**
 * Starts the command under a guardian and resolves when its process exists, which says nothing about whether it is
 * ready. Rejects where no process could be started at all; a command that is not found ends with code 127.
 */
export async function spawnGuarded(command: string, args: string[], options: GuardedOptions): Promise<Guarded> {
  if (process.platform === 'win32') throw new Error('Embedded services need a POSIX shell, which Windows does not have')
  const stopGraceMs = options.stopGraceMs ?? 10_000
  const graceSeconds = Math.max(1, Math.ceil(stopGraceMs / 1000))
  if (existsSync(options.logFile)) renameSync(options.logFile, `${options.logFile}.previous`)
  const log = openSync(options.logFile, 'a', 0o600)
  let child: ChildProcess
  try {
    child = spawn(
      '/bin/sh',
      ['-c', guardianScript, 'guardian', options.stopSignal, `${graceSeconds}`, command, ...args],
      {
        cwd: options.cwd,
        env: options.env,
        uid: options.uid,
        gid: options.gid,
        detached: true,
        stdio: ['pipe', log, log, 'pipe'],
      },
    )
  } finally {
    closeSync(log)
  }
  const pipe = child.stdin
  const report = child.stdio[3] as Readable | null
  if (!pipe || !report) throw new Error('The guardian was started without its pipes')
  // The guardian may end first, and a write end without a reader is then no news.
  pipe.on('error', () => undefined)
  const exited = new Promise<GuardedExit>((resolve) => {
    child.once('exit', (code) => resolve({ code: code ?? 128 }))
  })
  const [pidText] = await Promise.all([text(report), once(child, 'spawn')])
  const pid = Number.parseInt(pidText, 10)
  if (!Number.isInteger(pid)) throw new Error(`The guardian could not start ${command}; see ${options.logFile}`)

  const stop = async () => {
    pipe.end()
    const timer = setTimeout(() => killGroup(child.pid), graceSeconds * 1000 + 2000)
    await exited
    clearTimeout(timer)
  }
  return { pid, exited, stop }
}

/** The last resort where even the guardian does not react: everything in its session's process group. */
function killGroup(leader: number | undefined): void {
  if (leader === undefined) return
  try {
    process.kill(-leader, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
