import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { digitsOf } from '../../src/engine/money.ts'
import { referenceSymbols } from '../../src/engine/symbols.ts'
import { engineEventData, engineOrder } from '../../src/gateway/contract.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/engine.md'), 'utf8')
const sources = readdirSync(join(root, 'src/engine'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(root, 'src/engine', name), 'utf8'))
  .join('\n')

describe('docs/engine.md', () => {
  test('names every command, with its fields', () => {
    const head = ['kind', 'commandId', 'accountId', 'sequence', 'attempt', 'issuedAt']
    for (const { shape } of engineOrder.options) {
      expect(page).toContain(`| \`${shape.kind.value}\` |`)
      for (const field of [...head, ...Object.keys(shape)]) expect(page).toContain(`\`${field}\``)
    }
  })

  test('names every event, with its fields', () => {
    const grouped = /^(entry|exit)(Price|OrderId|FillId)$/
    for (const [type, data] of Object.entries(engineEventData)) {
      expect(page).toContain(`| \`${type}\` |`)
      const fields = Object.keys(data.shape).filter((field) => !grouped.test(field))
      for (const field of fields) expect(page, `${type}.${field}`).toContain(`\`${field}\``)
    }
  })

  test('names every reason code that the engine gives', () => {
    const codes = [...sources.matchAll(/\b(?:refuse|rejected|ignored)\(\s*'([a-z_]+)'/g)].map((match) => match[1])
    expect(new Set(codes).size).toBeGreaterThan(15)
    for (const code of codes) expect(page).toContain(`\`${code}\``)
  })
})

test('every currency that accounts are kept in has a cross with the dollar', () => {
  const pairs = [...referenceSymbols.keys()]
  const listed = /Accounts are kept in ([A-Z, or]+),/.exec(page)?.[1]?.match(/[A-Z]{3}/g) ?? []
  expect(listed).toHaveLength(7)
  for (const currency of listed) {
    expect(digitsOf(currency)).toBeDefined()
    expect(currency === 'USD' || pairs.includes(`${currency}USD`) || pairs.includes(`USD${currency}`)).toBe(true)
  }
})
