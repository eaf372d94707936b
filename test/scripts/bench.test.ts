/** How the benchmark goes on: every suite to its end, and what a process of its own answers is never lost. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { askChild } from '../../bench/child.ts'
import { runSuites } from '../../bench/suites.ts'
import { temporaryDirectory } from '../support/services.ts'
import { root } from '../support/source.ts'

const directory = temporaryDirectory()
afterAll(() => directory.remove())

it('runs each suite to its end, and says which failed', async () => {
  const ran: string[] = []
  const told: unknown[] = []
  const run = async (name: string) => {
    ran.push(name)
    if (name !== 'store') throw new Error(`no ${name}`)
  }
  const failed = await runSuites(['lag', 'store', 'engine'], run, (each) => told.push(each))
  expect(ran).toEqual(['lag', 'store', 'engine'])
  expect(failed).toEqual(['lag', 'engine'])
  expect(told).toEqual([
    { name: 'lag', error: new Error('no lag') },
    { name: 'engine', error: new Error('no engine') },
  ])
})

function program(text: string): string {
  const file = join(directory.path, `${text.length}.ts`)
  writeFileSync(file, `import { answerParent } from '${join(root, 'bench/child.ts')}'\n${text}`)
  return file
}

it('hears an answer of several megabytes of a process that ends right behind it', async () => {
  const asked = program('answerParent(async ({ size }: { size: number }) => ({ text: "x".repeat(size) }))')
  for (let turn = 0; turn < 3; turn++) {
    expect((await askChild<{ text: string }>(asked, { size: 4_000_000 })).text).toHaveLength(4_000_000)
  }
})

it('says how a process ended that gave no answer', async () => {
  const silent = program('process.once("message", () => process.exit(0))')
  await expect(askChild(silent, {})).rejects.toThrow(/ended with code 0 and without an answer/)
})
