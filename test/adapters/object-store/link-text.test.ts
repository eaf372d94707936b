/** Links of the disk store open as they were written, and not otherwise. */
import { describe, expect, it } from 'vitest'
import { createLinkTexts, type Grant } from '../../../src/adapters/object-store/link-text.ts'

const [first, second, strange] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte))
const texts = createLinkTexts(() => [first!, second!])
const expiresAt = new Date('2026-03-02T10:00:00.000Z')
const put: Grant = { method: 'PUT', key: 'uploads/live/o/j/u', contentType: 'image/png', sizeBytes: 12, expiresAt }
const get: Grant = { method: 'GET', key: 'files/live/o/f', contentType: 'image/png', filename: 'Tür.png', expiresAt }

describe('a link’s text', () => {
  it.each([put, get])('says what $method allows', (grant) => {
    expect(texts.read(texts.write(grant))).toStrictEqual(grant)
  })

  it('opens with a key from before', () => {
    const before = createLinkTexts(() => [second!])
    expect(texts.read(before.write(put))).toStrictEqual(put)
    expect(createLinkTexts(() => [strange!]).read(texts.write(put))).toBeUndefined()
  })

  it('opens no more with any character changed, left out or added', () => {
    const text = texts.write(put)
    for (const at of text.split('').keys()) {
      for (const other of ['A', 'B', '.', '']) {
        if (text[at] === other) continue
        expect(texts.read(text.slice(0, at) + other + text.slice(at + 1)), `${other} at ${at}`).toBeUndefined()
      }
    }
    for (const other of [`${text}.`, `${text}=`, `${text}A`, ` ${text}`, '', '.', text.split('.')[0]!, `.${text}`]) {
      expect(texts.read(other)).toBeUndefined()
    }
    expect(texts.read(`${'A'.repeat(100_000)}.${text.split('.')[1]}`)).toBeUndefined()
  })

  it('takes no payload of one with the signature of another', () => {
    const [payload] = texts.write(put).split('.')
    const [, mac] = texts.write(get).split('.')
    expect(texts.read(`${payload}.${mac}`)).toBeUndefined()
  })
})
