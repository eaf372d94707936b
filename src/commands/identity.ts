/**
 * Names that follow from facts: deterministic ids make a repeated command hit the same stream and the same events,
 * however often and from wherever it is sent (design, sections 3 and 4).
 */
import { hash } from 'node:crypto'
import { parse, v5 } from 'uuid'

/** The project's own UUID namespace; changing it would rename every stream. As bytes, since it is needed at every turn. */
const NAMESPACE = parse('8a8e0c1e-6a53-5d0c-9d6e-5f6f70736c67')

/** UUIDv5 (RFC 9562) of a list of strings. The list is encoded so that no two lists share an encoding. */
export const deterministicId = (...parts: readonly string[]): string =>
  v5(Buffer.from(JSON.stringify(parts)), NAMESPACE)

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
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    members.sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`
  }
  return JSON.stringify(value ?? null)
}
