/** The image starts an instance as `npm start` does: the options of node decide how much memory it takes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from './support/source.ts'

// Seen to fail with two options in one string, which node refuses, and with one of them missing.
it('runs the very command of npm start', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const commands = readFileSync(join(root, 'Dockerfile'), 'utf8').match(/(?<=^CMD ).*$/gm) ?? []
  expect(JSON.parse(commands.at(-1) ?? '[]')).toStrictEqual(scripts.start.replace('exec ', '').split(' '))
})
