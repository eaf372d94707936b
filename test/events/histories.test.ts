/**
 * Recorded streams, as an instance wrote them on the day that the file's name tells. They must decode for ever, whatever
 * becomes of the schemas, and their hash chains must hold: files are added here and never changed.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { chainHash } from '../../src/events/chain.ts'
import type { Metadata } from '../../src/events/event.ts'
import { registry } from '../support/contexts.ts'

interface RecordedLine {
  stream: string
  revision: number
  type: string
  data: unknown
  metadata: Metadata
}

const directory = fileURLToPath(new URL('../histories/', import.meta.url))
const files = readdirSync(directory).filter((name) => name.endsWith('.ndjson'))
const linesOf = (name: string): RecordedLine[] =>
  readFileSync(`${directory}${name}`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

describe.each(files)('the streams recorded in %s', (name) => {
  const lines = linesOf(name)

  it('still decode, every event', () => {
    expect(lines.length).toBeGreaterThan(0)
    for (const { type, data } of lines) expect(() => registry.decode(type, data)).not.toThrow()
  })

  it('are whole: no revision is missing, and every link of the hash chain holds', () => {
    const tails = new Map<string, { revision: number; hash: string }>()
    for (const { stream, revision, type, data, metadata } of lines) {
      const before = tails.get(stream) ?? { revision: -1, hash: '' }
      const { hash, ...unsealed } = metadata
      expect(revision).toBe(before.revision + 1)
      expect(metadata.prevHash).toBe(before.hash)
      expect(chainHash(before.hash, type, JSON.stringify(data), JSON.stringify(unsealed))).toBe(hash)
      tails.set(stream, { revision, hash })
    }
  })
})
