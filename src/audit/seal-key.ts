/** The key that seals are made with, in a file of its own, and the keys that seals are held against. */
import { generateKeyPairSync } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

/** Where the private key is kept. */
export const sealKeyFile = (config: { SEAL_KEY_FILE?: string | undefined; DATA_DIR: string }): string =>
  config.SEAL_KEY_FILE ?? join(config.DATA_DIR, 'audit-seal-key.pem')

/** The private key in PEM; the first call makes it, readable by its owner alone. Several that start at once agree on one. */
export function ensureSealKey(file: string): string {
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true })
    const { privateKey } = generateKeyPairSync('ed25519')
    const draft = `${file}.${process.pid}`
    const descriptor = openSync(draft, 'wx', 0o600)
    try {
      writeSync(descriptor, privateKey.export({ type: 'pkcs8', format: 'pem' }) as string)
      fsyncSync(descriptor)
      closeSync(descriptor)
      linkSync(draft, file)
    } catch (error) {
      // Another process has just made it: that one counts.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    } finally {
      rmSync(draft, { force: true })
    }
  }
  return readFileSync(file, 'utf8')
}

/**
 * The public keys that seals have to be made with, as `publicKeyText`: those that were given, divided by commas, each in
 * base64 or as a file. None: no seal can be judged. This machine's own key is not among them by itself: whoever can alter
 * the log here may have put another key in its place.
 */
export function pinnedSealKeys(given: string | undefined): string[] {
  const parts = (given ?? '').split(',').map((part) => part.trim())
  return parts.filter(Boolean).map((part) => (existsSync(part) ? readFileSync(part, 'utf8').trim() : part))
}
