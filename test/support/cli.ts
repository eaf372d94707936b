/** Runs the command line, within the test's process or as a program of its own: what it prints, and how it ends. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { run } from '../../src/cli/program.ts'
import { programEnvironment } from './program-environment.ts'
import { root } from './source.ts'

export interface Ended {
  exitCode: number | string | null | undefined
  stdout: string
  stderr: string
}

interface Running {
  environment: Record<string, string>
  output: { stdout: string; stderr: string }
}

/** What a program of its own would have: a bare environment with this one on top of it. */
const commandEnvironment = (environment: Record<string, string>) => ({
  ...programEnvironment(),
  NODE_NO_WARNINGS: '1',
  ...environment,
})

/** The command that runs in this process, known to all that it calls and to nothing else. */
const running = new AsyncLocalStorage<Running>()

/** Gives the command its environment and takes its output, until the result is called. What else runs here has its own. */
function standIn(): () => void {
  const undo = (['stdout', 'stderr'] as const).map((name) => {
    const stream = process[name]
    const { write } = stream
    stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      const command = running.getStore()
      if (!command) return Reflect.apply(write, stream, [chunk, ...rest])
      command.output[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
      const done = rest.find((each) => typeof each === 'function')
      if (done) queueMicrotask(() => done())
      return true
    }) as typeof write
    return () => {
      stream.write = write
    }
  })
  const { env } = process
  Object.defineProperty(process, 'env', { configurable: true, get: () => running.getStore()?.environment ?? env })
  return () => {
    for (const each of undo) each()
    Object.defineProperty(process, 'env', { configurable: true, writable: true, value: env })
  }
}

let last: Promise<unknown> = Promise.resolve()

/**
 * `opslog <args>` in the test's process, by the function that the program calls, one at a time. Nobody is there to ask.
 * A program of its own (`spawnCli`) takes a second of computing more: what is needed to be killed, to be asked, to lose
 * its services, or to show that the program calls the function.
 */
export function runCli(args: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
  const ended = last.then(() => runHere(args, commandEnvironment(environment)))
  last = ended.catch(() => undefined)
  return ended
}

async function runHere(args: readonly string[], environment: Record<string, string>): Promise<Ended> {
  const output = { stdout: '', stderr: '' }
  const { exitCode: own } = process
  const leave = standIn()
  process.exitCode = undefined
  try {
    await running.run({ environment, output }, () => run(args))
    return { exitCode: process.exitCode ?? 0, ...output }
  } finally {
    process.exitCode = own
    leave()
  }
}

/** Has a program take what comes from its pipe for what somebody types. */
const AS_TERMINAL = "data:text/javascript,Object.defineProperty(process.stdin,'isTTY',{value:true})"

/**
 * `opslog <args>` as a program of its own; output goes to pipes. `answer` is typed at the first question that the program
 * asks; without it nobody is there to ask.
 */
export function spawnCli(
  args: readonly string[],
  environment: Record<string, string> = {},
  answer?: string,
): Promise<Ended> {
  const terminal = answer === undefined ? [] : ['--import', AS_TERMINAL]
  const child = spawn(process.execPath, [...terminal, join(root, 'src/cli/opslog.ts'), ...args], {
    env: commandEnvironment(environment),
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
