/**
 * The key that secrets are sealed with: webhook secrets in the log, and the keys of persons in the vault. It comes from
 * the environment where several machines share it, else from a file of the data directory that the first start makes,
 * readable by its owner alone. Who loses it has to rotate every webhook secret, and has lost what is personal in the log.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { KEY_BYTES } from '../events/sealing.ts'
import { InvalidConfiguration } from '../runtime/invalid-configuration.ts'

const fileOf = (directory: string): string => join(directory, 'secrets.key')

/** The key, or undefined where there is none yet. Throws InvalidConfiguration where it is malformed or open to others. */
export function readSealingKey(config: Config): Buffer | undefined {
  const { SECRETS_KEY: key, WEBHOOK_SECRETS_KEY: older } = config
  if (key !== undefined && older !== undefined && key !== older) {
    throw new InvalidConfiguration('SECRETS_KEY and WEBHOOK_SECRETS_KEY, its older name, hold different keys.')
  }
  if (key !== undefined) return decodeKey(key, 'SECRETS_KEY')
  if (older !== undefined) return decodeKey(older, 'WEBHOOK_SECRETS_KEY')
  return readKeyFile(fileOf(config.DATA_DIR))
}

function readKeyFile(file: string): Buffer | undefined {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode
  if (mode === undefined) return undefined
  if ((mode & 0o077) !== 0) throw new InvalidConfiguration(`${file} may be read by others; give it the mode 0600.`)
  return decodeKey(readFileSync(file, 'utf8').trim(), file)
}

/** The keys with which secrets may be sealed: the current one, and SECRETS_KEY_PREVIOUS or secrets.key.previous. */
export function readPreviousKeys(config: Config): Buffer[] {
  const { SECRETS_KEY_PREVIOUS: listed, DATA_DIR } = config
  if (listed !== undefined) return listed.split(',').map((key) => decodeKey(key.trim(), 'SECRETS_KEY_PREVIOUS'))
  const file = `${fileOf(DATA_DIR)}.previous`
  const found = readKeyFile(file)
  return found ? [found] : []
}

/** The key; a new one where there is none. Several processes that start at once agree on one. */
export function ensureSealingKey(config: Config): Buffer {
  const found = readSealingKey(config)
  if (found) return found
  const file = fileOf(config.DATA_DIR)
  const draft = `${file}.${process.pid}`
  const handle = openSync(draft, 'wx', 0o600)
  try {
    writeSync(handle, `${randomBytes(KEY_BYTES).toString('base64')}\n`)
    fsyncSync(handle)
    closeSync(handle)
    linkSync(draft, file)
  } catch (error) {
    // Another process has just made it: that one counts.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  const made = readSealingKey(config)
  if (!made) throw new InvalidConfiguration(`${file} could not be made.`)
  return made
}

function decodeKey(text: string, place: string): Buffer {
  const key = Buffer.from(text, 'base64')
  if (key.length === KEY_BYTES) return key
  throw new InvalidConfiguration(`${place} is to hold ${KEY_BYTES} bytes in base64 (openssl rand -base64 32).`)
}
