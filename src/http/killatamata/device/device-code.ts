/** Device codes: which link a device asks about, and 256 bits that prove it is the one that started it. */
import { randomBytes } from 'node:crypto'
import { hashKey } from '../../../api-keys/key-text.ts'

const SECRET_BYTES = 32
const FORM = /^([0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})\.[\w-]{43}$/

/** The code, to be shown once, and what is kept of it. */
export function newDeviceCode(linkId: string): { deviceCode: string; deviceCodeHash: string } {
  const deviceCode = `${linkId}.${randomBytes(SECRET_BYTES).toString('base64url')}`
  return { deviceCode, deviceCodeHash: hashKey(deviceCode) }
}

/** Undefined: it is no code of ours. */
export function readDeviceCode(given: string): { linkId: string; deviceCodeHash: string } | undefined {
  const linkId = FORM.exec(given)?.[1]
  return linkId === undefined ? undefined : { linkId, deviceCodeHash: hashKey(given) }
}
