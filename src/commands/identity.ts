/**
 * Deterministic ids: a repeated command finds the same stream and the same events, however often it is sent and from
 * wherever.
 */
import { hash } from 'node:crypto'

/** The project's own UUID namespace, as bytes; changing it would rename every stream. */
const NAMESPACE = Buffer.from('8a8e0c1e6a535d0c9d6e5f6f70736c67', 'hex')

/**
 * UUIDv5 (RFC 9562, section 5.5) of a list of strings, encoded so that no two lists share an encoding. Each command needs
 * several; node's digest in one call takes half the time of the uuid package.
 */
export function deterministicId(...parts: readonly string[]): string {
  const digest = hash('sha1', Buffer.concat([NAMESPACE, Buffer.from(JSON.stringify(parts))]))
  const variant = ((Number.parseInt(digest[16]!, 16) & 0x3) | 0x8).toString(16)
  const [low, mid, high] = [digest.slice(0, 8), digest.slice(8, 12), digest.slice(13, 16)]
  return `${low}-${mid}-5${high}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`
}

/** The id of the n-th event of one execution of a command. */
export const eventId = (commandId: string, execution: string, index: number): string =>
  deterministicId('event', commandId, execution, String(index))

export interface CommandKey {
  context: string
  operatorId: string
  environment: string
  /** The operation: `closeAllPositions`. */
  action: string
  /** The key is unique within this scope: an account id, or '' for the whole operator. */
  scope: string
  key: string
}

/** The command id of a key; it never changes. */
export const commandIdOf = (k: CommandKey): string =>
  deterministicId('command', k.context, k.operatorId, k.environment, k.action, k.scope, k.key)

/** SHA-256, hex, of a JSON value with its object keys in code unit order and undefined members left out. */
export function fingerprintOf(value: unknown): string {
  return hash('sha256', canonical(value))
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value ?? null)
  let members = ''
  for (const key of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[key]
    if (member !== undefined) members += `${members && ','}${JSON.stringify(key)}:${canonical(member)}`
  }
  return `{${members}}`
}
