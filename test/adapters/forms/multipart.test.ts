/** Forms with files, whole and broken: what is sent lies on the disk, and a bound holds as soon as it shows. */
import { hash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { FormRefused, type FormShape, receiveForm } from '../../../src/adapters/forms/multipart.ts'
import { temporaryDirectory } from '../../support/services.ts'

const directory = temporaryDirectory()
afterAll(() => directory.remove())

const shape: FormShape = { fields: { gameId: 64, note: 100 }, files: { bundle: 100_000, cover: 1_000 } }

async function received(form: FormData | { type: string; body: AsyncIterable<Uint8Array> }) {
  const folder = await mkdtemp(join(directory.path, 'form-'))
  if (!(form instanceof FormData)) return receiveForm(form.type, form.body, shape, folder)
  const request = new Request('http://localhost', { method: 'POST', body: form })
  const body = request.body as unknown as AsyncIterable<Uint8Array>
  return receiveForm(request.headers.get('content-type') ?? '', body, shape, folder)
}

const formOf = (parts: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>): FormData => {
  const form = new FormData()
  for (const [name, value] of Object.entries(parts)) {
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, new Blob([value]), 'any.bin')
  }
  return form
}

const refusal = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'taken'
  } catch (error) {
    if (error instanceof FormRefused) return `${error.reason} ${error.part ?? ''}`.trim()
    throw error
  }
}

describe('a form', () => {
  it('gives its fields, and its files by where they lie', async () => {
    const bundle = new Uint8Array(randomBytes(90_000))
    const { fields, files } = await received(formOf({ gameId: 'game_1', bundle, other: 'dropped' }))
    expect({ ...fields }).toStrictEqual({ gameId: 'game_1' })
    expect(files.bundle).toMatchObject({ sizeBytes: 90_000, sha256: hash('sha256', bundle) })
    expect((await readFile(files.bundle?.path ?? '')).equals(bundle)).toBe(true)
  })

  it('is refused where a part is too large, comes twice, or the form is none', async () => {
    const large = new Uint8Array(100_001)
    expect(await refusal(received(formOf({ bundle: large })))).toBe('too_large bundle')
    expect(await refusal(received(formOf({ bundle: new Uint8Array(100_000) })))).toBe('taken')
    expect(await refusal(received(formOf({ note: 'x'.repeat(101) })))).toBe('too_large note')
    const twice = formOf({ gameId: 'a' })
    twice.append('gameId', 'b')
    expect(await refusal(received(twice))).toBe('malformed gameId')
    const many = formOf(Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`part ${n}`, 'x'])))
    expect(await refusal(received(many))).toBe('malformed')
    const none = async function* () {
      yield new Uint8Array([1])
    }
    expect(await refusal(received({ type: 'multipart/form-data', body: none() }))).toBe('malformed')
  })

  it('is refused where it ends midway, and fails as its body does', async () => {
    const head = '--x\r\ncontent-disposition: form-data; name="bundle"; filename="a"\r\n\r\nabc'
    const type = 'multipart/form-data; boundary=x'
    const cut = async function* () {
      yield new TextEncoder().encode(head)
    }
    expect(await refusal(received({ type, body: cut() }))).toBe('malformed')
    const broken = async function* () {
      yield new TextEncoder().encode(head)
      throw new Error('the line broke')
    }
    await expect(received({ type, body: broken() })).rejects.toThrow('the line broke')
  })
})
