/**
 * Seals personal fields: the code sees text, the log holds ciphertext. Each person has a key (AES-256-GCM), and a ciphertext
 * is bound to person, event, type and field, so it fits no other place. The keys stay outside the log: destroying one
 * forgets the person in every copy of the log at once. The hash chains cover the stored bytes, so they still hold. Text
 * from before there were keys reads as it is.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto'
import type { AnyEvent } from './event.ts'
import type { PersonalField } from './personal.ts'
import { type Registry, UndecodableEvent } from './registry.ts'

/** Of AES-256-GCM. */
export const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** `sealed:v1:<key id>:<base64url of nonce, ciphertext and tag>`. */
const PREFIX = 'sealed:v1:'
const SEALED = /^sealed:v1:([0-9a-f]{16}):([\w-]+)$/

export const isSealed = (value: unknown): value is string => typeof value === 'string' && value.startsWith(PREFIX)

/** Replaces text that can no longer be read, in fields that may not be null. */
export const UNREADABLE = { destroyed: '[forgotten]', missing: '[key missing]' } as const

/** A person's key, or why there is none: it was destroyed, or it is missing. */
export type PersonKey = { id: string; bytes: Uint8Array } | keyof typeof UNREADABLE

export type KeysOf = ReadonlyMap<string, PersonKey>

/** The keys of persons, kept outside the log and the read models. */
export interface PersonKeys {
  /** The keys of these persons, one entry for each. Throws PersonKeysUnavailable. */
  find(persons: readonly string[]): Promise<KeysOf>
  /** As `find`, and makes a key for each person that never had one. Throws PersonKeysUnavailable. */
  ensure(persons: readonly string[]): Promise<KeysOf>
  /** Drops the person's key from memory, since it was destroyed. */
  forget(person: string): void
  /** Calls `listener` at every `forget`. */
  onForgotten(listener: (person: string) => void): void
  /** Reports sealed text whose key is missing. */
  reportMissing(person: string): void
}

/** The keys cannot be read now, so personal fields can be neither read nor written. */
export class PersonKeysUnavailable extends Error {
  override name = 'PersonKeysUnavailable'
}

/** The person was forgotten: no personal field of theirs can be recorded any more. */
export class PersonForgotten extends Error {
  override name = 'PersonForgotten'
}

/** The part of the registry that knows personal fields. */
type Personal = Pick<Registry, 'personOf' | 'personalFieldsOf' | 'forgottenIn'>

const personsIn = (events: Iterable<{ type: string; data: unknown }>, { personOf }: Personal): string[] => {
  const persons = new Set<string>()
  for (const event of events) {
    const person = personOf(event)
    if (person !== undefined) persons.add(person)
  }
  return [...persons]
}

interface Owner {
  id: string
  type: string
  person: string
}

const boundTo = ({ id, type, person }: Owner, field: string): Buffer =>
  Buffer.from(JSON.stringify([PREFIX, person, id, type, field]))

/** Identifies a key without revealing it. */
export const keyIdOf = (key: Uint8Array): string =>
  createHash('sha256').update('opslog key id').update(key).digest('hex').slice(0, 16)

/** Nonce, ciphertext and tag. */
export function encrypt(plain: Uint8Array, key: Uint8Array, bound: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(bound)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** The plain bytes that `encrypt` took. Throws where the key, the bytes or the binding differ. */
export function decrypt(box: Uint8Array, key: Uint8Array, bound: Uint8Array): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(bound).setAuthTag(box.subarray(box.length - TAG_BYTES))
  return Buffer.concat([decipher.update(box.subarray(NONCE_BYTES, box.length - TAG_BYTES)), decipher.final()])
}

/**
 * Stands for a person's text in ids and fingerprints: equal for equal texts, and useless without the key. Once the key is
 * gone, all texts have the same digest.
 */
export const keyedDigest = (key: PersonKey | undefined, name: string, text: string): string =>
  typeof key === 'object'
    ? createHmac('sha256', key.bytes)
        .update(JSON.stringify(['opslog digest', name, text]))
        .digest('hex')
    : UNREADABLE[key ?? 'missing']

/** The same events with their personal fields sealed. Throws PersonForgotten and PersonKeysUnavailable. */
export async function sealEvents<E extends { id: string; event: AnyEvent; json?: string | undefined }>(
  events: readonly E[],
  personKeys: PersonKeys | undefined,
  registry: Personal,
): Promise<readonly E[]> {
  const persons = personsIn(
    events.map(({ event }) => event),
    registry,
  )
  if (persons.length === 0) return events
  if (!personKeys) throw new PersonKeysUnavailable('personal data cannot be written without the keys that seal it')
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
    return { ...each, json: undefined, event: { ...event, data } }
  })
}

/** The value of a field whose text can no longer be read. */
export type Redact = (why: keyof typeof UNREADABLE, field: PersonalField) => unknown

const redacted: Redact = (why, { nullable }) => (nullable ? null : UNREADABLE[why])

export interface Opening {
  registry: Personal
  keys: KeysOf
  reportMissing: (person: string) => void
  redact?: Redact
}

/**
 * The data of a stored event with its personal fields as text. Those of a forgotten person are redacted, sealed or not.
 * Throws UndecodableEvent where a sealed text was altered or belongs to another event.
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
  owner: Owner,
  key: Exclude<PersonKey, 'destroyed'>,
  { reportMissing, redact }: Required<Pick<Opening, 'reportMissing' | 'redact'>>,
): unknown {
  const [, keyId, box = ''] = SEALED.exec(text) ?? []
  if (keyId === undefined) throw new UndecodableEvent(`${owner.type}: ${field.name} is not a sealed text`)
  if (key === 'missing' || key.id !== keyId) {
    reportMissing(owner.person)
    return redact('missing', field)
  }
  try {
    return decrypt(Buffer.from(box, 'base64url'), key.bytes, boundTo(owner, field.name)).toString('utf8')
  } catch (error) {
    throw new UndecodableEvent(`${owner.type}: ${field.name} was altered, or does not belong to this event`, {
      cause: error,
    })
  }
}

/** To be called before events are opened, in the log's order: drops the keys of the persons whom they record as forgotten. */
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

/** The keys that open these stored events, asked for in one query. Throws PersonKeysUnavailable. */
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
