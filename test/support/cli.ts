/** Runs the command line as a program of its own: what it prints, and how it ends. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from './source.ts'

export interface Ended {
  exitCode: number | null
  stdout: string
  stderr: string
}

/** Has a program take what comes from its pipe for what somebody types. */
const AS_TERMINAL = "data:text/javascript,Object.defineProperty(process.stdin,'isTTY',{value:true})"

/**
 * `opslog <args>` with this environment on top of a bare one; output goes to pipes. `answer` is typed at the first question
 * that the program asks; without it nobody is there to ask.
 */
export function runCli(
  args: readonly string[],
  environment: Record<string, string> = {},
  answer?: string,
): Promise<Ended> {
  const { PATH = '', HOME = '' } = process.env
  const terminal = answer === undefined ? [] : ['--import', AS_TERMINAL]
  const child = spawn(process.execPath, [...terminal, join(root, 'src/cli/opslog.ts'), ...args], {
    env: { PATH, HOME, NODE_NO_WARNINGS: '1', ...environment },
    stdio: [answer === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  let isAnswered = answer === undefined
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
    if (isAnswered || !/: $/.test(output.stderr)) return
    isAnswered = true
    child.stdin?.end(`${answer}\n`)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode) => resolve({ exitCode, ...output }))
  })
}
