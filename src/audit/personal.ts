/**
 * What is personal, as auditors see it: as text where there is a key, and where there is none as what has become of it,
 * since nothing at all would look as if nothing had ever been there. And what can be wrong with it: text that was moved
 * or altered by somebody who made the chain anew, keys that are lost, and keys of persons who were forgotten.
 */
import { type Registry, UndecodableEvent } from '../events/registry.ts'
import { type Opening, openData, openingOf, type PersonKeys, UNREADABLE } from '../events/sealing.ts'
import { membersOf, type RawEvent } from './raw-log.ts'
import type { Finding } from './verifier.ts'

/** How to open an event for an auditor; without keys nothing is opened, and what is sealed says so. */
export async function auditOpening(
  event: { type: string; data: unknown },
  personKeys: PersonKeys | undefined,
  registry: Registry,
): Promise<Opening | undefined> {
  if (!personKeys) return { registry, keys: new Map(), reportMissing: () => undefined, redact: () => '[sealed]' }
  const opening = await openingOf([event], personKeys, registry)
  return opening && { ...opening, redact: (why) => UNREADABLE[why] }
}

/** Looks at the personal fields of events in the log's order, a slice at a time. */
export interface PersonalCheck {
  check(slice: readonly RawEvent[]): Promise<void>
  /** After the whole log: names those whose key is destroyed without an event that says so. */
  finish(): void
}

/** Persons that are remembered, of each kind. */
const PERSONS_MAX = 100_000

export function createPersonalCheck(
  registry: Registry,
  personKeys: PersonKeys,
  onFinding: (finding: Finding) => void,
): PersonalCheck {
  const described = new Set<string>()
  const forgotten = new Set<string>()
  /** The last event about each person whose key is destroyed. */
  const destroyed = new Map<string, RawEvent>()

  function tell({ stream, revision, position, type }: RawEvent, kind: Finding['kind'], detail: string): void {
    onFinding({ kind, stream, revision, position, type, detail })
  }

  /** A person is reported once, by the first event that shows it. */
  function tellOnce(person: string, event: RawEvent, detail: string): void {
    if (described.has(person) || described.size >= PERSONS_MAX) return
    described.add(person)
    tell(event, 'personal', detail)
  }

  async function checkForgotten(event: RawEvent): Promise<void> {
    const person = registry.forgottenIn({ type: event.type, data: membersOf(event.data) })
    if (person === undefined) return
    if (forgotten.size < PERSONS_MAX) forgotten.add(person)
    const key = (await personKeys.find([person])).get(person)
    if (key === 'destroyed') return
    const what = key === 'missing' ? 'the vault does not know that' : 'the key is there'
    tellOnce(person, event, `the person ${person} was forgotten, but ${what}: forget them again`)
  }

  return {
    async check(slice) {
      for (const event of slice) await checkForgotten(event)
      const events = slice
        .filter(({ type }) => registry.personalFieldsOf(type))
        .map((raw) => ({ raw, id: raw.id, type: raw.type, data: membersOf(raw.data) as unknown }))
      const opening = await openingOf(events, personKeys, registry)
      if (!opening) return
      for (const event of events) {
        const person = registry.personOf(event)
        const isGone = person !== undefined && opening.keys.get(person) === 'destroyed'
        if (isGone && destroyed.size < PERSONS_MAX) destroyed.set(person, event.raw)
        const reportMissing = (person: string) =>
          tellOnce(person, event.raw, `the key of the person ${person} is missing: what is personal cannot be read`)
        try {
          openData(event, { ...opening, reportMissing })
        } catch (error) {
          if (!(error instanceof UndecodableEvent)) throw error
          tell(event.raw, 'personal', error.message)
        }
      }
    },
    finish() {
      if (forgotten.size >= PERSONS_MAX) return
      for (const [person, event] of destroyed) {
        if (forgotten.has(person)) continue
        tellOnce(person, event, `the key of the person ${person} is destroyed, and no event says so: forget them again`)
      }
    },
  }
}
