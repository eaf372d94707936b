/**
 * The log as it is stored, byte for byte: JSON that was parsed can no longer show that a byte of it was changed. It only
 * ever reads.
 */
import { openRawEvents, type RawEvent, type RawEvents } from '../events/raw-events.ts'
import type { Registry } from '../events/registry.ts'

export type { RawEvent } from '../events/raw-events.ts'

export interface RawLog extends RawEvents {
  /** What the log's events mean. */
  readonly registry: Registry
}

export const createdAt = ({ created }: Pick<RawEvent, 'created'>): Date => new Date(Number(BigInt(created) / 10_000n))

/** A store that is silent for this long is unavailable. */
const SILENCE_MAX_MS = 20_000

/** Opens a connection of its own. Reads reject with StoreUnavailable where the store is away or silent for too long. */
export const openRawLog = (url: string, registry: Registry, readTimeoutMs = SILENCE_MAX_MS): RawLog => ({
  registry,
  ...openRawEvents(url, readTimeoutMs),
})

export const isSystem = ({ type }: Pick<RawEvent, 'type'>): boolean => type.startsWith('$')

/** The members of stored JSON as they are; none where it is not an object. */
export function membersOf(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}
