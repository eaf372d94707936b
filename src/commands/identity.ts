/**
 * Names that follow from facts: deterministic ids make a repeated command hit the same stream and the same events,
 * however often and from wherever it is sent (design, sections 3 and 4).
 */
import { hash } from 'node:crypto'

/** The project's own UUID namespace, as bytes; changing it would rename every stream. */
const NAMESPACE = Buffer.from('8a8e0c1e6a535d0c9d6e5f6f70736c67', 'hex')

/**
 * UUIDv5 (RFC 9562, section 5.5) of a list of strings. The list is encoded so that no two lists share an encoding. Written
 * out here since each command needs several: node's digest in one call takes half the time of a library's.
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
  /** What the key is unique within: an account id, or '' for the operator as a whole. */
  scope: string
  key: string
}

/** The command id that a key stands for, for ever. */
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
