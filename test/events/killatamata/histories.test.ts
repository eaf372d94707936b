import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { killatamata } from '../../../src/contexts/killatamata.ts'

it('recorded streams hold an event of every type', () => {
  const directory = new URL('../../histories/', import.meta.url)
  const files = readdirSync(directory).map((name) => readFileSync(new URL(name, directory), 'utf8'))
  const lines = files.flatMap((text) => text.trimEnd().split('\n'))
  const recorded = new Set(lines.map((line) => (JSON.parse(line) as { type: string }).type))
  const types = Object.keys(killatamata.events.schemas)
  expect(types.length).toBeGreaterThan(100)
  expect(types.filter((type) => !recorded.has(type))).toStrictEqual([])
})
