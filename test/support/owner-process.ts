/** A second Node process that runs a piece of our code, and can be killed as an instance of opslog can. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface OwnerProcess {
  pid: number
  /** The first line that it printed, as JSON. */
  said: Record<string, unknown>
  /** Sends the signal and resolves when the process is gone. */
  end(signal: NodeJS.Signals): Promise<void>
}

/** Runs the module source, whose first printed line is JSON, and resolves with that. It runs until it is ended. */
export async function startOwner(source: string): Promise<OwnerProcess> {
  const code = `${source}\nsetInterval(() => undefined, 60_000)`
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const [line] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    exited.then(() => Promise.reject(new Error('The process ended before it said anything'))),
  ])
  if (child.pid === undefined) throw new Error('The process was not started')
  return {
    pid: child.pid,
    said: JSON.parse(line),
    async end(signal) {
      child.kill(signal)
      await exited
    },
  }
}

/** Whether a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The import specifier of one of our source files, for the source of an owner process. */
export function moduleUrl(path: string): string {
  return JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href)
}
