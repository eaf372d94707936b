/** The node as a process of its own, which a test can kill at any moment. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../../../src/embedded/eventstore/main.ts', import.meta.url))

export type NodeProcess = {
  url: string
  port: number
  process: ChildProcess
  /** What it has written to its standard error so far. */
  notices: () => string
  kill: () => Promise<void>
  stop: () => Promise<number | null>
}

/** Starts the node and waits until it is ready. Rejects with what it said where it ends instead. */
export async function startNodeProcess(directory: string, port = 0): Promise<NodeProcess> {
  const args = ['--disable-warning=ExperimentalWarning', MAIN, '--directory', directory, '--port', String(port)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let notices = ''
  child.stderr!.on('data', (chunk) => {
    notices += chunk
  })
  const exited = once(child, 'exit')
  const ready = await new Promise<{ url: string; port: number }>((resolve, reject) => {
    child.stdout!.on('data', (chunk) => {
      output += chunk
      if (output.includes('\n')) resolve(JSON.parse(output.slice(0, output.indexOf('\n'))))
    })
    child.once('close', () => reject(new Error(notices.trim() || 'the node ended before it was ready')))
  })
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  const stop = async () => {
    child.kill('SIGTERM')
    await exited
    return child.exitCode
  }
  return { ...ready, process: child, notices: () => notices, kill, stop }
}
