/** Every command of docs/rungate.md’s first half, in its order, as a reader pastes them into one shell beside a running instance. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LlmSimulator, startLlmSimulator } from '../../../src/embedded/llm/server.ts'
import { programEnvironment } from '../../support/program-environment.ts'
import { root } from '../../support/source.ts'
import { type Stack, startStack } from '../../support/stack.ts'

/** Some twenty requests and two programs, on a machine that may be busy. */
const GUIDE_MAX_MS = 120_000

let stack: Stack
let simulator: LlmSimulator
beforeAll(async () => {
  simulator = await startLlmSimulator()
  stack = await startStack()
})
afterAll(async () => {
  await stack.close()
  await simulator.close()
})

const guide = readFileSync(join(root, 'docs/rungate.md'), 'utf8').split('\n## Who signs in how\n')[0] ?? ''
/** Its blocks of code hold nothing but commands. The one that stays in the foreground runs already. */
const commands = [...guide.matchAll(/^ {4}(.*)$/gm)]
  .map(([, line]) => line)
  .filter((line) => !line?.includes('rungate simulator'))
  .join('\n')

async function paste(directory: string) {
  const fileOf = (name: string) => join(directory, `guide.${name}`)
  const here = commands
    .replaceAll('http://127.0.0.1:8080', stack.url)
    .replaceAll('http://127.0.0.1:4010', simulator.url)
  writeFileSync(fileOf('sh'), `set -eu\n${here}\n`)
  // A terminal can be opened by its name, and so can a file; node's own pipes cannot.
  const [out, errors] = ['out', 'errors'].map((name) => openSync(fileOf(name), 'a'))
  const child = spawn('bash', [fileOf('sh')], {
    cwd: root,
    env: { ...programEnvironment(), NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', out, errors],
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  for (const each of [out, errors]) closeSync(each!)
  const read = (name: string) => readFileSync(fileOf(name), 'utf8')
  return { code, out: read('out').split('\n').filter(Boolean), errors: read('errors') }
}

test('leads from an account to governed calls, command by command', { timeout: GUIDE_MAX_MS }, async () => {
  const { code, out, errors } = await paste(dirname(stack.logFile))
  // Answers go to standard error as they are; a refusal is one with an error in it.
  expect(errors).not.toMatch(/"error": ?[{"]|Error/)
  expect({ code, errors: code === 0 ? '' : errors }).toStrictEqual({ code: 0, errors: '' })
  const text = out.join('\n')
  const [, first, second] =
    text.match(/^You said: Say hello\. (\S+) 0\.\d+ 0\.\d+\nYou said: Say hello\. (\S+) 0\.\d+ 0\.\d+$/m) ?? []
  expect(first).toBeDefined()
  expect(second).toBe(first)
  // Calls of a cent each, until one is refused.
  expect(text).toMatch(/(^0\.010\d+ 0\.0\d+\n){3,5}/m)
  expect(text).toMatch(/^402 budget_exceeded/m)
  expect(out).toContain('budget_exceeded')
  expect(out).toContain('approved')
  expect(out).toContain('tool_calls')
  expect(text.toLowerCase()).toContain('x-rungate-provider: anthropic')
  expect(text.toLowerCase()).toContain('x-rungate-model: claude-haiku-4-5')
})
