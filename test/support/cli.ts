/** Runs the command line as a program of its own: what it prints, and how it ends. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from './source.ts'

export interface Ended {
  exitCode: number | null
  stdout: string
  stderr: string
}

/** `opslog <args>` with this environment on top of a bare one; output goes to pipes. */
export function runCli(args: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env
  const child = spawn(process.execPath, [join(root, 'src/cli/opslog.ts'), ...args], {
    env: { PATH, HOME, NODE_COMPILE_CACHE, NODE_NO_WARNINGS: '1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode) => resolve({ exitCode, ...output }))
  })
}
