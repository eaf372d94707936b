import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { InvalidConfiguration } from '../../src/runtime/invalid-configuration.ts'
import { ensureSealingKey, readPreviousKeys, readSealingKey } from '../../src/vault/secrets-key.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/services.ts'

let directory: TemporaryDirectory
beforeEach(() => {
  directory = temporaryDirectory()
})
afterEach(() => directory.remove())

const configWith = (environment: Record<string, string> = {}) =>
  loadConfig({ DATA_DIR: directory.path, ...environment })
const file = () => join(directory.path, 'secrets.key')

describe('the key that secrets are sealed with', () => {
  it('is made once, for its owner’s eyes alone', () => {
    expect(readSealingKey(configWith())).toBeUndefined()
    const key = ensureSealingKey(configWith())
    expect(key).toHaveLength(32)
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    expect(ensureSealingKey(configWith())).toStrictEqual(key)
    expect(readSealingKey(configWith())).toStrictEqual(key)
  })
  it('comes from the environment where it is set there', () => {
    const key = Buffer.alloc(32, 9)
    expect(ensureSealingKey(configWith({ WEBHOOK_SECRETS_KEY: key.toString('base64') }))).toStrictEqual(key)
    expect(statSync(file(), { throwIfNoEntry: false })).toBeUndefined()
  })
  it('may have others before it: listed in the environment, or in a file beside its own', () => {
    const [first, second] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
    expect(readPreviousKeys(configWith())).toStrictEqual([])
    const listed = [second, first].map((key) => key.toString('base64')).join(',')
    expect(readPreviousKeys(configWith({ SECRETS_KEY_PREVIOUS: listed }))).toStrictEqual([second, first])
    writeFileSync(`${file()}.previous`, `${first.toString('base64')}\n`, { mode: 0o600 })
    expect(readPreviousKeys(configWith())).toStrictEqual([first])
    expect(() => readPreviousKeys(configWith({ SECRETS_KEY_PREVIOUS: 'short' }))).toThrow(InvalidConfiguration)
  })
  it('is refused where others may read it', () => {
    ensureSealingKey(configWith())
    chmodSync(file(), 0o644)
    expect(() => readSealingKey(configWith())).toThrow(InvalidConfiguration)
  })
  it.each(['', 'short', Buffer.alloc(31).toString('base64'), Buffer.alloc(33).toString('base64')])(
    'is refused where it is %j',
    (text) => {
      writeFileSync(file(), text, { mode: 0o600 })
      expect(() => ensureSealingKey(configWith())).toThrow(InvalidConfiguration)
    },
  )
})
