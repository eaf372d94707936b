/** Keys of persons in memory, for tests of what is around them; the vault itself has tests on a real Postgres. */
import { randomBytes } from 'node:crypto'
import { KEY_BYTES, keyIdOf, type PersonKey, type PersonKeys } from '../../src/events/sealing.ts'

export interface MemoryKeys extends PersonKeys {
  /** As the vault destroys a key. */
  destroy(person: string): void
  /** As a key goes with a vault that was not restored. */
  lose(person: string): void
  missing: Set<string>
}

export function memoryKeys(): MemoryKeys {
  const keys = new Map<string, PersonKey>()
  const listeners: ((person: string) => void)[] = []
  const missing = new Set<string>()
  const find: PersonKeys['find'] = async (persons) =>
    new Map(persons.map((person) => [person, keys.get(person) ?? 'missing']))
  return {
    find,
    async ensure(persons) {
      for (const person of persons) {
        const bytes = randomBytes(KEY_BYTES)
        if (!keys.has(person)) keys.set(person, { id: keyIdOf(bytes), bytes })
      }
      return find(persons)
    },
    forget: (person) => {
      for (const listener of listeners) listener(person)
    },
    onForgotten: (listener) => void listeners.push(listener),
    reportMissing: (person) => void missing.add(person),
    destroy: (person) => void keys.set(person, 'destroyed'),
    lose: (person) => void keys.delete(person),
    missing,
  }
}
