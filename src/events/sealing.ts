/**
 * Personal fields between the code, which sees text, and the log, which holds ciphertext: AES-256-GCM under a key per
 * person, bound to the person, the event, its type and the field, so that none can be moved to another place. The keys
 * are kept outside the log; a person whose key is destroyed is forgotten in every copy of the log at once, and the hash
 * chains, which are over the stored bytes, go on to hold. Text that was recorded before there were keys reads as it is.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto'
import type { AnyEvent } from './event.ts'
import type { PersonalField } from './personal.ts'
import { type Registry, UndecodableEvent } from './registry.ts'

export const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** `sealed:v1:<key id>:<base64url of nonce, ciphertext and tag>`. */
const PREFIX = 'sealed:v1:'
const SEALED = /^sealed:v1:([0-9a-f]{16}):([\w-]+)$/

export const isSealed = (value: unknown): value is string => typeof value === 'string' && value.startsWith(PREFIX)

/** What stands in the place of text that cannot be read any more, where a field has to say something. */
export const UNREADABLE = { destroyed: '[forgotten]', missing: '[key missing]' } as const

/** A person's key; or that it was destroyed; or that there is none where there ought to be. */
export type PersonKey = { id: string; bytes: Uint8Array } | keyof typeof UNREADABLE

export type KeysOf = ReadonlyMap<string, PersonKey>

/** Where the keys of persons are kept: outside the event log, and outside the read models. */
export interface PersonKeys {
  /** The keys of these persons, one entry for each. Throws PersonKeysUnavailable. */
  find(persons: readonly string[]): Promise<KeysOf>
  /** As `find`, with keys made for those that never had one. Throws PersonKeysUnavailable. */
  ensure(persons: readonly string[]): Promise<KeysOf>
  /** The person's key was destroyed: what is kept of it in memory goes. */
  forget(person: string): void
  /** Has `listener` told of every `forget`. */
  onForgotten(listener: (person: string) => void): void
  /** Sealed text was met that no key is there for. */
  reportMissing(person: string): void
}

/** The keys cannot be asked for now, so that personal fields can be neither read nor written. */
export class PersonKeysUnavailable extends Error {
  override name = 'PersonKeysUnavailable'
}

/** The person was forgotten: nothing personal can be recorded of them any more. */
export class PersonForgotten extends Error {
  override name = 'PersonForgotten'
}

/** The part of the registry that says what is personal. */
type Personal = Pick<Registry, 'personOf' | 'personalFieldsOf' | 'forgottenIn'>

const personsIn = (events: Iterable<{ type: string; data: unknown }>, { personOf }: Personal): string[] => {
  const persons = new Set<string>()
  for (const event of events) {
    const person = personOf(event)
    if (person !== undefined) persons.add(person)
  }
  return [...persons]
}

interface Place {
  id: string
  type: string
  person: string
}

const boundTo = ({ id, type, person }: Place, field: string): Buffer =>
  Buffer.from(JSON.stringify([PREFIX, person, id, type, field]))

/** Tells one key from another without giving either away. */
export const keyIdOf = (key: Uint8Array): string =>
  createHash('sha256').update('opslog key id').update(key).digest('hex').slice(0, 16)

/** Nonce, ciphertext and tag. */
export function encrypt(plain: Uint8Array, key: Uint8Array, bound: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(bound)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** What `encrypt` was given. Throws where the key, the bytes or what they are bound to are others. */
export function decrypt(box: Uint8Array, key: Uint8Array, bound: Uint8Array): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(bound).setAuthTag(box.subarray(box.length - TAG_BYTES))
  return Buffer.concat([decipher.update(box.subarray(NONCE_BYTES, box.length - TAG_BYTES)), decipher.final()])
}

/**
 * What stands for a person's text in ids and fingerprints: the same for the same text, and of no use without the key.
 * Once the key is gone all texts are one.
 */
export const keyedDigest = (key: PersonKey | undefined, name: string, text: string): string =>
  typeof key === 'object'
    ? createHmac('sha256', key.bytes)
        .update(JSON.stringify(['opslog digest', name, text]))
        .digest('hex')
    : UNREADABLE[key ?? 'missing']

/** The same events with their personal fields sealed. Throws PersonForgotten and PersonKeysUnavailable. */
export async function sealEvents<E extends { id: string; event: AnyEvent }>(
  events: readonly E[],
  personKeys: PersonKeys | undefined,
  registry: Personal,
): Promise<readonly E[]> {
  const persons = personsIn(
    events.map(({ event }) => event),
    registry,
  )
  if (persons.length === 0) return events
  if (!personKeys) throw new PersonKeysUnavailable('personal data is not written without the keys to seal it with')
  const keys = await personKeys.ensure(persons)
  return events.map((each) => {
    const { id, event } = each
    const person = registry.personOf(event)
    if (person === undefined) return each
    const key = keys.get(person)
    if (key === 'destroyed') throw new PersonForgotten(`the person ${person} was forgotten`)
    if (typeof key !== 'object') throw new PersonKeysUnavailable(`there is no key for the person ${person}`)
    const data = { ...event.data }
    for (const { name } of registry.personalFieldsOf(event.type) ?? []) {
      const text = data[name]
      if (typeof text !== 'string') continue
      const box = encrypt(Buffer.from(text, 'utf8'), key.bytes, boundTo({ id, type: event.type, person }, name))
      data[name] = `${PREFIX}${key.id}:${box.toString('base64url')}`
    }
    return { ...each, event: { ...event, data } }
  })
}

/** What a field reads whose text cannot be read any more. */
export type Redact = (why: keyof typeof UNREADABLE, field: PersonalField) => unknown

const redacted: Redact = (why, { nullable }) => (nullable ? null : UNREADABLE[why])

export interface Opening {
  registry: Personal
  keys: KeysOf
  reportMissing: (person: string) => void
  redact?: Redact
}

/**
 * The data of a stored event with its personal fields as text. Of a person who was forgotten they are redacted, sealed
 * or not. Throws UndecodableEvent where a sealed text was altered or does not belong in its place.
 */
export function openData(event: { id: string; type: string; data: unknown }, opening: Opening): unknown {
  const { id, type } = event
  const person = opening.registry.personOf(event)
  if (person === undefined) return event.data
  const data = { ...(event.data as Record<string, unknown>) }
  const key = opening.keys.get(person) ?? 'missing'
  const redact = opening.redact ?? redacted
  for (const field of opening.registry.personalFieldsOf(type) ?? []) {
    const text = data[field.name]
    if (typeof text !== 'string') continue
    if (key === 'destroyed') data[field.name] = redact('destroyed', field)
    else if (isSealed(text)) data[field.name] = openText(text, field, { id, type, person }, key, { ...opening, redact })
  }
  return data
}

function openText(
  text: string,
  field: PersonalField,
  place: Place,
  key: Exclude<PersonKey, 'destroyed'>,
  { reportMissing, redact }: Required<Pick<Opening, 'reportMissing' | 'redact'>>,
): unknown {
  const [, keyId, box = ''] = SEALED.exec(text) ?? []
  if (keyId === undefined) throw new UndecodableEvent(`${place.type}: ${field.name} is no sealed text`)
  if (key === 'missing' || key.id !== keyId) {
    reportMissing(place.person)
    return redact('missing', field)
  }
  try {
    return decrypt(Buffer.from(box, 'base64url'), key.bytes, boundTo(place, field.name)).toString('utf8')
  } catch (error) {
    throw new UndecodableEvent(`${place.type}: ${field.name} was altered, or does not belong to this event`, {
      cause: error,
    })
  }
}

/** Before events are opened in the log's order: whoever they say was forgotten has no key from here on. */
export function noteForgotten(
  events: Iterable<{ type: string; data: unknown }>,
  personKeys: PersonKeys,
  registry: Personal,
): void {
  for (const event of events) {
    const person = registry.forgottenIn(event)
    if (person !== undefined) personKeys.forget(person)
  }
}

/** The keys that it takes to open these stored events: one question for all of them. Throws PersonKeysUnavailable. */
export async function openingOf(
  events: Iterable<{ type: string; data: unknown }>,
  personKeys: PersonKeys,
  registry: Personal,
): Promise<Opening | undefined> {
  const persons = personsIn(events, registry)
  if (persons.length === 0) return undefined
  const keys = await personKeys.find(persons)
  return { registry, keys, reportMissing: (person) => personKeys.reportMissing(person) }
}
